// What the keys of pictures do: the gallery and the lightbox have the same ones, each for the pictures that it means.

import type { ActionId } from '$lib/actions';
import type { App } from '$state/app.svelte';
import type { Reused } from '$state/maker.svelte';

export function pictureCommands(
  { pictures }: App,
  meant: () => string[],
  showFacts: (id: string) => void,
): Partial<Record<ActionId, () => void>> {
  const withMeant = (work: (ids: string[]) => void) => () => {
    const ids = meant();
    if (ids.length > 0) work(ids);
  };
  const withFirst = (work: (id: string) => void) => withMeant(([id]) => id !== undefined && work(id));
  const reuse = (what: Reused) =>
    withFirst((id) => {
      const picture = pictures.of(id);
      if (picture) void pictures.reuse(picture, what);
    });
  return {
    reuseAll: reuse('all'),
    reusePrompt: reuse('prompt'),
    reuseSeed: reuse('seed'),
    remix: reuse('remix'),
    reuseSize: reuse('size'),
    starPicture: withMeant((ids) => void pictures.star(ids, !ids.every((id) => pictures.of(id)?.starred))),
    deletePicture: withMeant((ids) => void pictures.delete(ids)),
    pictureInfo: withFirst(showFacts),
  };
}
