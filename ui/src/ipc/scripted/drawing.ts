// Small pictures without a canvas: an evening over hills, or a ball on a table, drawn from a seed and written as PNG.

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (crcTable[(value ^ byte) & 255] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function adler(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(data.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(new TextEncoder().encode(kind), 4);
  whole.set(data, 8);
  view.setUint32(data.length + 8, crc(whole.subarray(4, data.length + 8)));
  return whole;
}

/** Deflate without compression: stored blocks of at most 65,535 bytes. */
function stored(data: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(data.length / 65535));
  const out = new Uint8Array(2 + blocks * 5 + data.length + 4);
  const view = new DataView(out.buffer);
  out.set([0x78, 0x01]);
  let at = 2;
  for (let block = 0; block < blocks; block += 1) {
    const part = data.subarray(block * 65535, (block + 1) * 65535);
    out[at] = block === blocks - 1 ? 1 : 0;
    view.setUint16(at + 1, part.length, true);
    view.setUint16(at + 3, ~part.length & 0xffff, true);
    out.set(part, at + 5);
    at += 5 + part.length;
  }
  view.setUint32(at, adler(data));
  return out;
}

/** A PNG of 8 bits per channel from a function that gives the colour of each pixel. */
export function png(width: number, height: number, colour: (x: number, y: number) => Rgb): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array(height * (width * 3 + 1));
  for (let y = 0, at = 0; y < height; y += 1) {
    rows[at++] = 0;
    for (let x = 0; x < width; x += 1) {
      const [r, g, b] = colour(x / width, y / height);
      rows[at++] = r;
      rows[at++] = g;
      rows[at++] = b;
    }
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 2, 0, 0, 0], 8);
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', head),
    chunk('IDAT', stored(rows)),
    chunk('IEND', new Uint8Array()),
  ];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

type Rgb = [number, number, number];

const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

/** Sky above, sky below, light, near hills. */
const moods: [Rgb, Rgb, Rgb, Rgb][] = [
  [
    [38, 60, 105],
    [244, 176, 128],
    [255, 226, 170],
    [34, 52, 62],
  ],
  [
    [96, 160, 196],
    [226, 238, 232],
    [255, 252, 224],
    [44, 92, 74],
  ],
  [
    [24, 28, 62],
    [120, 88, 140],
    [240, 232, 250],
    [20, 24, 42],
  ],
  [
    [150, 196, 208],
    [250, 232, 204],
    [255, 255, 240],
    [168, 112, 72],
  ],
  [
    [64, 32, 60],
    [232, 112, 92],
    [255, 208, 128],
    [48, 24, 40],
  ],
  [
    [30, 84, 92],
    [150, 206, 186],
    [236, 250, 214],
    [16, 48, 54],
  ],
];

const chance = (seed: number, n: number): number => {
  const value = Math.sin(seed * 12.9898 + n * 78.233) * 43758.5453;
  return value - Math.floor(value);
};

/** What the picture of this seed shows at a place; x and y from 0 to 1, `aspect` is width by height. */
export function scene(seed: number, aspect: number): (x: number, y: number) => Rgb {
  const [top, low, light, ground] = moods[seed % moods.length]!;
  const sun = { x: 0.2 + chance(seed, 1) * 0.6, y: 0.2 + chance(seed, 2) * 0.25, r: 0.05 + chance(seed, 3) * 0.07 };
  const hills = [0, 1, 2, 3].map((n) => ({
    base: 0.52 + n * 0.12,
    high: 0.05 + chance(seed, 4 + n) * 0.09,
    wide: 2 + chance(seed, 8 + n) * 5,
    off: chance(seed, 12 + n) * 9,
  }));
  return (x, y) => {
    for (let n = hills.length - 1; n >= 0; n -= 1) {
      const { base, high, wide, off } = hills[n]!;
      const line = base - high * (Math.sin(x * wide + off) * 0.7 + Math.sin(x * wide * 2.7 + off * 2) * 0.3);
      if (y > line) return mix(mix(low, ground, 0.35 + n * 0.21), ground, Math.min(1, (y - line) * 1.4));
    }
    const away = Math.hypot((x - sun.x) * aspect, y - sun.y);
    const sky = mix(top, low, Math.min(1, y * 1.7));
    if (away < sun.r) return light;
    return mix(light, sky, Math.min(1, 0.45 + (away - sun.r) * 2.2));
  };
}
