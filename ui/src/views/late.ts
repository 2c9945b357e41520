// All that the first screen does not show, in one piece: one file to read, and what its parts share lies there too.

export { default as DatabaseScreen } from '$features/database/DatabaseScreen.svelte';
export { default as AskToMake } from '$features/images/AskToMake.svelte';
export { default as RunSettings } from '$features/chat/RunSettings.svelte';
export { default as Transcript } from '$features/chat/Transcript.svelte';
export { default as DocumentPanel } from '$features/library/DocumentPanel.svelte';
export { default as LibraryLayer } from '$features/library/LibraryLayer.svelte';
export { default as Unlock } from '$features/onboarding/Unlock.svelte';
export { default as Welcome } from '$features/onboarding/Welcome.svelte';
export { default as AskToSpend } from '$features/shell/AskToSpend.svelte';
export { default as DropOverlay } from '$features/shell/DropOverlay.svelte';
export { default as Palette } from '$features/shell/Palette.svelte';
export { default as SearchAll } from '$features/shell/SearchAll.svelte';
export { default as Shortcuts } from '$features/shell/Shortcuts.svelte';
export { default as ImagesView } from './ImagesView.svelte';
export { default as LibraryView } from './LibraryView.svelte';
export { default as ModelsView } from './ModelsView.svelte';
export { default as SettingsView } from './SettingsView.svelte';
export { default as UsageView } from './UsageView.svelte';
