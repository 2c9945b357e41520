// An app over the scripted backend, started. For tests only.

import { Scripted, type Scenario } from '$ipc/scripted';
import { App } from '$state/app.svelte';

export async function startedApp(scenario: Scenario = {}): Promise<{ app: App; backend: Scripted }> {
  history.replaceState(null, '', '#/chat');
  const backend = new Scripted({ history: 'none', speed: 400, ...scenario });
  const app = new App(backend);
  await app.start();
  await until(() => app.shelf.catalogue.models.length > 0);
  return { app, backend };
}

/** Waits until something holds, at most two seconds. */
export async function until(holds: () => boolean, ms = 2000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((done) => setTimeout(done, 5));
  }
}
