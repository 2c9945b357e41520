// The app over the real backend.

import { tauri } from '$ipc/tauri';
import { start } from './start';

start(tauri);
