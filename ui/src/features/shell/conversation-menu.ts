// What can be done with a conversation, as a menu: in the sidebar and in the head of the chat.

import Archive from '@lucide/svelte/icons/archive';
import Download from '@lucide/svelte/icons/download';
import Pencil from '@lucide/svelte/icons/pencil';
import Pin from '@lucide/svelte/icons/pin';
import Trash2 from '@lucide/svelte/icons/trash-2';
import { m } from '$i18n';
import type { ConversationSummary } from '$ipc/generated/domain';
import type { MenuEntry } from '$kit/Menu.svelte';
import type { App } from '$state/app.svelte';

export function conversationMenu(app: App, row: ConversationSummary): MenuEntry[] {
  const { id, pinned, archived } = row;
  return [
    {
      label: m.rename(),
      icon: Pencil,
      keys: app.keys('renameChat'),
      onselect: () => app.beginRename(id),
    },
    { label: pinned ? m.unpin() : m.pin(), icon: Pin, onselect: () => void app.pin(id, !pinned) },
    {
      label: archived ? m.unarchive() : m.archive(),
      icon: Archive,
      onselect: () => void app.archive(id, !archived),
    },
    {
      label: m.export(),
      icon: Download,
      items: [
        { label: 'Markdown', onselect: () => void app.export([id], 'markdown') },
        { label: 'HTML', onselect: () => void app.export([id], 'html') },
        { label: 'JSON', onselect: () => void app.export([id], 'json') },
      ],
    },
    'line',
    {
      label: m.delete(),
      icon: Trash2,
      danger: true,
      keys: app.keys('deleteChat'),
      onselect: () => void app.delete(id),
    },
  ];
}
