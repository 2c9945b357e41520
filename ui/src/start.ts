// Puts the window on the page over a backend.

import { mount } from 'svelte';
import type { Backend } from '$ipc/backend';
import { App } from '$state/app.svelte';
import AppView from './App.svelte';
import './styles/index.css';

export function start(backend: Backend): App {
  performance.mark('script-read');
  const target = document.getElementById('app');
  if (!target) throw new Error('the page has no #app');
  const app = new App(backend);
  // What it asks the other side is on its way while the window is made.
  void app.start();
  mount(AppView, { target, props: { app } });
  return app;
}
