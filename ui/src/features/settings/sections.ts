// The sections of the settings, in their order.
//
// How to add one: a component with `Setting` rows, and a line here.

import type { Component } from 'svelte';
import { m } from '$i18n';
import About from './About.svelte';
import Accounts from './Accounts.svelte';
import ChatSettings from './ChatSettings.svelte';
import Data from './Data.svelte';
import General from './General.svelte';
import ImageSettings from './ImageSettings.svelte';
import Keyboard from './Keyboard.svelte';
import LibrarySettings from './LibrarySettings.svelte';
import ModelSettings from './ModelSettings.svelte';
import Network from './Network.svelte';
import UsageSettings from './UsageSettings.svelte';

export interface Section {
  id: string;
  name: () => string;
  component: Component;
}

export const sections: readonly Section[] = [
  { id: 'general', name: () => m.section_general(), component: General },
  { id: 'accounts', name: () => m.section_accounts(), component: Accounts },
  { id: 'models', name: () => m.section_models(), component: ModelSettings },
  { id: 'chat', name: () => m.section_chat(), component: ChatSettings },
  { id: 'images', name: () => m.section_images(), component: ImageSettings },
  { id: 'library', name: () => m.section_library(), component: LibrarySettings },
  { id: 'usage', name: () => m.section_usage(), component: UsageSettings },
  { id: 'keyboard', name: () => m.section_keyboard(), component: Keyboard },
  { id: 'network', name: () => m.section_network(), component: Network },
  { id: 'data', name: () => m.section_data(), component: Data },
  { id: 'about', name: () => m.section_about(), component: About },
];
