// How formats look in lists: an icon for the kind, a short name.

import type { Component } from 'svelte';
import Braces from '@lucide/svelte/icons/braces';
import BookOpen from '@lucide/svelte/icons/book-open';
import Captions from '@lucide/svelte/icons/captions';
import FileCode from '@lucide/svelte/icons/file-code';
import FileIcon from '@lucide/svelte/icons/file';
import FileImage from '@lucide/svelte/icons/file-image';
import FileSpreadsheet from '@lucide/svelte/icons/file-spreadsheet';
import FileText from '@lucide/svelte/icons/file-text';
import FileMusic from '@lucide/svelte/icons/file-music';
import Globe from '@lucide/svelte/icons/globe';
import Mail from '@lucide/svelte/icons/mail';
import Presentation from '@lucide/svelte/icons/presentation';

type Icon = Component<{ size?: number | string; 'aria-hidden'?: 'true' }>;

const icons: [RegExp, Icon][] = [
  [/^(xls[xb]?|ods|csv|tsv|sheet)/, FileSpreadsheet],
  [/^(pptx?|odp|slides)/, Presentation],
  [/^(html|web)/, Globe],
  [/^(eml|mbox|e-?mail|outlook)/, Mail],
  [/^(epub|book)/, BookOpen],
  [/^(srt|vtt|ass|subtitles?)/, Captions],
  [/^(jsonl?|ndjson)/, Braces],
  [/^(code|source|rs|py|ts|js|go|java|c$|cpp)/, FileCode],
  [/^(png|jpe?g|webp|gif|svg|picture|image)/, FileImage],
  [/^(audio|mp3|wav|m4a|ogg|opus|flac)/, FileMusic],
  [/^(pdf|docx?|odt|rtf|markdown|md|text|txt)/, FileText],
];

export const iconOf = (format: string): Icon => icons.find(([words]) => words.test(format))?.[1] ?? FileIcon;
