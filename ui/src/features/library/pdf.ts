// pdf.js, loaded when the first PDF is opened and not before. Its worker is a file of our own origin, its character
// maps and standard fonts are modules; nothing comes from elsewhere, nothing is evaluated.

import type * as pdfjsModule from 'pdfjs-dist';
import type { PDFPageProxy, PDFWorker } from 'pdfjs-dist';
import workerUrl from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url';

// As modules and not as files to fetch: the page may load scripts of its own origin, and connect to nothing.
const maps = import.meta.glob<string>('/node_modules/pdfjs-dist/cmaps/*.bcmap', {
  query: '?url&inline',
  import: 'default',
});
const fonts = import.meta.glob<string>('/node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}', {
  query: '?url&inline',
  import: 'default',
});

/** A file's bytes, from the data address that its module holds. */
async function load(files: Record<string, () => Promise<string>>, name: string): Promise<Uint8Array> {
  const file = files[name];
  if (!file) throw new Error(`pdf.js asks for ${name}, which is not among its files`);
  const address = await file();
  const letters = atob(address.slice(address.indexOf(',') + 1));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

/** The character maps of Chinese, Japanese and Korean fonts that are not embedded. */
class MapReader {
  async fetch({ name }: { name: string }) {
    return {
      cMapData: await load(maps, `/node_modules/pdfjs-dist/cmaps/${name}.bcmap`),
      isCompressed: true,
    };
  }
}

class FontReader {
  fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    return load(fonts, `/node_modules/pdfjs-dist/standard_fonts/${filename}`);
  }
}

export type { PDFPageProxy };

type Pdfjs = typeof pdfjsModule;

interface Engine {
  pdfjs: Pdfjs;
  worker: PDFWorker;
  /** Rejects when the worker cannot be started: without it pdf.js would wait for ever. */
  broken: Promise<never>;
}
let loading: Promise<Engine> | undefined;

// The build for older web views: WebKitGTK is behind the browsers that the other one is made for.
const engine = (): Promise<Engine> =>
  (loading ??= start().catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));

async function start(): Promise<Engine> {
  const pdfjs: Pdfjs = await import('pdfjs-dist/legacy/build/pdf.mjs');
  const port = new Worker(workerUrl, { type: 'module' });
  const broken = new Promise<never>((_, reject) => {
    port.addEventListener('error', (event) => {
      loading = undefined;
      reject(new Error(event.message || 'the worker of pdf.js did not start'));
    });
  });
  // Heard only while a document is being opened.
  broken.catch(() => {});
  return { pdfjs, worker: pdfjs.PDFWorker.create({ port }), broken };
}

export interface OpenPdf {
  pages: number;
  page(number: number): Promise<PDFPageProxy>;
  /** The page's runs of text, as its text layer has them. */
  runs(number: number): Promise<string[]>;
  /** Lays the page's text, invisible, over its picture. One element for each run of text. */
  textLayer(number: number, container: HTMLElement, scale: number): Promise<HTMLElement[]>;
  close(): void;
}

export async function openPdf(bytes: Uint8Array): Promise<OpenPdf> {
  const { pdfjs, worker, broken } = await engine();
  const { getDocument, TextLayer } = pdfjs;
  const task = getDocument({
    data: bytes,
    worker,
    isEvalSupported: false,
    enableXfa: false,
    useWasm: false,
    useWorkerFetch: false,
    useSystemFonts: false,
    stopAtErrors: false,
    // A page is a page: larger pictures in it are left out.
    maxImageSize: 64 * 1024 * 1024,
    CMapReaderFactory: MapReader,
    StandardFontDataFactory: FontReader,
    verbosity: 0,
  });
  const document = await Promise.race([task.promise, broken]);
  const page = (number: number) => document.getPage(number);
  const content = async (number: number) => (await page(number)).getTextContent();
  return {
    pages: document.numPages,
    page,
    async runs(number) {
      return (await content(number)).items.flatMap((item) => ('str' in item ? [item.str] : []));
    },
    async textLayer(number, container, scale) {
      const layer = new TextLayer({
        textContentSource: await content(number),
        container,
        viewport: (await page(number)).getViewport({ scale }),
      });
      await layer.render();
      return layer.textDivs;
    },
    close: () => void task.destroy(),
  };
}
