// What can be done with pictures, as entries of menus: the same in the gallery, the lightbox and beside a selection.

import Copy from '@lucide/svelte/icons/copy';
import Download from '@lucide/svelte/icons/download';
import FileArchive from '@lucide/svelte/icons/file-archive';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import ImagePlus from '@lucide/svelte/icons/image-plus';
import { m } from '$i18n';
import type { Picture } from '$ipc/generated/domain';
import type { MenuEntry } from '$kit/Menu.svelte';
import type { Pictures } from '$state/pictures.svelte';

export function reuseEntries(pictures: Pictures, picture: Picture): MenuEntry[] {
  return [
    { label: m.images_reuseAll(), keys: 'A', onselect: () => void pictures.reuse(picture, 'all') },
    { label: m.images_reusePrompt(), keys: 'P', onselect: () => void pictures.reuse(picture, 'prompt') },
    { label: m.images_reuseSeed(), keys: 'S', onselect: () => void pictures.reuse(picture, 'seed') },
    { label: m.images_remix(), keys: 'R', onselect: () => void pictures.reuse(picture, 'remix') },
    'line',
    {
      label: m.images_useAsReference(),
      icon: ImagePlus,
      onselect: () => void pictures.useAsReference(picture.id),
    },
  ];
}

export function saveEntries(pictures: Pictures, id: string): MenuEntry[] {
  return [
    { label: m.images_saveAs(), icon: Download, onselect: () => void pictures.save(id, false) },
    { label: m.images_saveStripped(), onselect: () => void pictures.save(id, true) },
    'line',
    { label: m.copy(), icon: Copy, onselect: () => void pictures.copy(id) },
    { label: m.images_reveal(), icon: FolderOpen, onselect: () => void pictures.reveal(id) },
  ];
}

export function exportEntries(pictures: Pictures, ids: string[]): MenuEntry[] {
  return [
    { label: m.images_zip(), icon: FileArchive, onselect: () => void pictures.exportZip(ids, false) },
    { label: m.images_zipStripped(), onselect: () => void pictures.exportZip(ids, true) },
  ];
}

/** Albums with a mark on those that hold all of the pictures; choosing one puts them in or takes them out. */
export function albumEntries(pictures: Pictures, ids: string[], onnew: () => void): MenuEntry[] {
  const rows = ids.map((id) => pictures.of(id)).filter((row) => row !== undefined && row !== null);
  const entries: MenuEntry[] = pictures.gallery.albums.map((album) => {
    const checked = rows.length > 0 && rows.every((row) => row.albums.includes(album.id));
    return {
      label: album.name,
      checked,
      onselect: () => void pictures.setInAlbum(ids, album.id, !checked),
    };
  });
  return [...entries, ...(entries.length > 0 ? (['line'] as const) : []), newAlbum(onnew)];
}

const newAlbum = (onselect: () => void): MenuEntry => ({ label: m.images_albumNew(), icon: FolderPlus, onselect });
