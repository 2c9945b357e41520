// Messages in the language in use. Reading one inside a template or a derived value follows a change of language.

import { m } from './generated/messages';
import { overwriteGetLocale, overwriteSetLocale, type Locale } from './generated/runtime';
import { language } from './language.svelte';

overwriteGetLocale(() => language.current);
overwriteSetLocale((locale) => {
  language.current = locale as Locale;
});

export { m, language };
export { locales, type Locale } from './language.svelte';
