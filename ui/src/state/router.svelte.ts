// Which view is open. Mirrored in the address's fragment, so that the mouse's back button works.

export type ViewName = 'chat' | 'images' | 'library' | 'models' | 'usage' | 'settings';

export interface Route {
  view: ViewName;
  /** Within chat: the conversation; null is a new one. Within settings: the section. */
  id: string | null;
}

const views: readonly string[] = ['chat', 'images', 'library', 'models', 'usage', 'settings'];

export function parseRoute(hash: string): Route {
  const [view = '', id] = hash.replace(/^#\/?/, '').split('/');
  return views.includes(view)
    ? { view: view as ViewName, id: id ? decodeURIComponent(id) : null }
    : { view: 'chat', id: null };
}

export const hrefOf = (view: ViewName, id: string | null = null): string =>
  `#/${view}${id ? `/${encodeURIComponent(id)}` : ''}`;

export class Router {
  route = $state.raw<Route>(parseRoute(location.hash));
  /** The conversation that the link Chat comes back to. */
  lastChat: string | null = null;
  /** A message to show once its conversation is open. */
  target = $state<string | null>(null);

  constructor() {
    window.addEventListener('popstate', () => this.#follow(parseRoute(location.hash)));
  }

  go(view: ViewName, id: string | null = null): void {
    if (view === this.route.view && id === this.route.id) return;
    history.pushState(null, '', hrefOf(view, id));
    this.#follow({ view, id });
  }

  /** A new conversation got its id: the same place under another name. */
  rename(view: ViewName, id: string): void {
    history.replaceState(null, '', hrefOf(view, id));
    this.#follow({ view, id });
  }

  openMessage(conversation: string, message: string | null): void {
    this.target = message;
    this.go('chat', conversation);
  }

  #follow(route: Route): void {
    if (route.view === 'chat') this.lastChat = route.id;
    this.route = route;
  }
}
