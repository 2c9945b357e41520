// The language in use, as a signal.

export type Locale = 'en' | 'zh-CN';

/** The languages there are, each named in itself. */
export const locales: readonly { id: Locale; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'zh-CN', name: '简体中文' },
];

class Language {
  current = $state<Locale>('en');

  /** Takes any tag of a system or a setting: every Chinese becomes zh-CN, everything else that is not known English. */
  use(tag: string): void {
    this.current = tag.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
    document.documentElement.lang = this.current;
  }
}

export const language = new Language();
