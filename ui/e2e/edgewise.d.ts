// What the scripted window shows to the flows.

import type { Scripted } from '../src/ipc/scripted';
import type { App } from '../src/state/app.svelte';

declare global {
  interface Window {
    edgewise: { backend: Scripted; app: App };
  }
}
