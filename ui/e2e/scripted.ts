// The window over the scripted backend. The address chooses the scenario: `?history=none&theme=dark&locale=zh-CN`.

// First: what comes after must work with frozen prototypes.
import './freeze';
import { Scripted, type Scenario } from '../src/ipc/scripted';
import { start } from '../src/start';

const numbers = new Set(['failAfter', 'speed', 'used', 'now']);

const scenario = Object.fromEntries(
  [...new URLSearchParams(location.search)].map(([key, value]) => [
    key,
    numbers.has(key) ? Number(value) : value === 'true' ? true : value,
  ]),
) as Scenario;

const backend = new Scripted(scenario);
const app = start(backend);

window.edgewise = { backend, app };
