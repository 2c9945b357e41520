// A mask being painted: strokes on a canvas, undone one by one, given as black and white.

import { tick } from 'svelte';

interface Stroke {
  points: [number, number][];
  size: number;
  erase: boolean;
}

export class MaskSheet {
  size = $state(64);
  erasing = $state(false);
  #strokes = $state.raw<Stroke[]>([]);
  #canvas: HTMLCanvasElement | null = null;
  #colour = '';
  #ground: HTMLImageElement | null = null;
  #now: Stroke | null = null;

  width = $state(0);
  height = $state(0);

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
  }

  get canUndo(): boolean {
    return this.#strokes.length > 0;
  }

  get empty(): boolean {
    return this.#strokes.length === 0 && this.#ground === null;
  }

  begin(canvas: HTMLCanvasElement, colour: string): void {
    this.#canvas = canvas;
    this.#colour = colour;
  }

  /** The picture's true size is known: the mask has the same. */
  fit(width: number, height: number): void {
    if (width === 0 || (width === this.width && height === this.height)) return;
    this.width = width;
    this.height = height;
    // A canvas of another size is empty.
    void tick().then(() => this.#draw());
  }

  /** Goes on with a mask of before. */
  take(url: string): void {
    const image = new Image();
    image.onload = () => {
      this.#ground = image;
      this.#draw();
    };
    image.src = url;
  }

  down(x: number, y: number): void {
    this.#now = { points: [[x, y]], size: this.size, erase: this.erasing };
    this.#strokes = [...this.#strokes, this.#now];
    this.#draw();
  }

  move(x: number, y: number): void {
    if (!this.#now) return;
    this.#now.points.push([x, y]);
    this.#draw();
  }

  up(): void {
    this.#now = null;
  }

  undo(): void {
    this.#strokes = this.#strokes.slice(0, -1);
    this.#draw();
  }

  clear(): void {
    this.#strokes = [];
    this.#ground = null;
    this.#draw();
  }

  /** White where the model paints anew, black elsewhere; null when nothing is painted. */
  async png(): Promise<Blob | null> {
    if (this.empty) return null;
    const sheet = document.createElement('canvas');
    sheet.width = this.width;
    sheet.height = this.height;
    const context = sheet.getContext('2d');
    if (!context) return null;
    context.fillStyle = 'black';
    context.fillRect(0, 0, this.width, this.height);
    if (this.#ground) context.drawImage(this.#ground, 0, 0, this.width, this.height);
    for (const stroke of this.#strokes) paint(context, stroke, stroke.erase ? 'black' : 'white');
    return new Promise((done) => sheet.toBlob(done, 'image/png'));
  }

  #draw(): void {
    const context = this.#canvas?.getContext('2d');
    if (!context) return;
    context.globalCompositeOperation = 'source-over';
    context.clearRect(0, 0, this.width, this.height);
    if (this.#ground) tint(context, this.#ground, this.width, this.height, this.#colour);
    for (const stroke of this.#strokes) {
      context.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
      paint(context, stroke, this.#colour);
    }
  }
}

function paint(context: CanvasRenderingContext2D, { points, size }: Stroke, colour: string): void {
  const [first] = points;
  if (!first) return;
  context.strokeStyle = colour;
  context.lineWidth = size;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(...first);
  // A single touch is a dot.
  if (points.length === 1) context.lineTo(first[0] + 0.01, first[1]);
  for (const [x, y] of points.slice(1)) context.lineTo(x, y);
  context.stroke();
}

/** The white part of a mask in the given colour, the rest clear. */
function tint(context: CanvasRenderingContext2D, mask: HTMLImageElement, w: number, h: number, colour: string): void {
  const sheet = document.createElement('canvas');
  sheet.width = w;
  sheet.height = h;
  const inner = sheet.getContext('2d', { willReadFrequently: true });
  if (!inner) return;
  inner.drawImage(mask, 0, 0, w, h);
  const pixels = inner.getImageData(0, 0, w, h);
  for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at] ?? 0;
  inner.putImageData(pixels, 0, 0);
  inner.globalCompositeOperation = 'source-in';
  inner.fillStyle = colour;
  inner.fillRect(0, 0, w, h);
  context.drawImage(sheet, 0, 0);
}
