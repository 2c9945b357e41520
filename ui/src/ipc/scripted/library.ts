// The library of the scripted backend. Its parts lie in `library/`, by noun.

import type { VectorFormat, VectorInfo } from '../generated/domain';
import { ScriptedFinding } from './library/finding';
import { ScriptedIngests, type Host } from './library/ingests';
import { fill, type LibraryScene } from './library/scenes';
import { ScriptedShelves } from './library/shelves';

export type { LibraryScene } from './library/scenes';

export class ScriptedLibrary {
  readonly shelves: ScriptedShelves;
  readonly ingests: ScriptedIngests;
  readonly finding: ScriptedFinding;

  constructor(host: Host, now: number, scene: LibraryScene) {
    this.shelves = new ScriptedShelves(now);
    this.ingests = new ScriptedIngests(host, this.shelves);
    this.finding = new ScriptedFinding(this.shelves);
    if (scene !== 'none') fill(this.shelves, this.ingests, scene);
  }

  async vectorInfo(): Promise<VectorInfo[]> {
    const rows = [...this.shelves.documentsById.values()].reduce((sum, { row }) => sum + row.passages, 0);
    return rows === 0
      ? []
      : [
          {
            model: '@cf/baai/bge-m3',
            dimensions: 1024,
            pooling: null,
            metric: 'cosine',
            rows,
            bytes: rows * (1024 * 4 + 160),
          },
        ];
  }

  exportVectors = async (format: VectorFormat): Promise<string> => `/home/ada/Documents/edgewise-vectors.${format}`;
}
