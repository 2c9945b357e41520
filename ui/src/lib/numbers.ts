// Numbers as they are shown.

import { language } from '$i18n';

const format = (value: number, options: Intl.NumberFormatOptions): string =>
  new Intl.NumberFormat(language.current, options).format(value);

/** A whole number with separators: 10,000. */
export const whole = (value: number): string => format(value, { maximumFractionDigits: 0 });

/** Neurons: whole from 100 on, one decimal from 1 on, else two. */
export function neurons(value: number): string {
  return format(value, { maximumFractionDigits: value >= 100 || value === 0 ? 0 : value >= 1 ? 1 : 2 });
}

/** A count of tokens, short: 131,072 → 131K. */
export const short = (value: number): string =>
  format(value, { notation: 'compact', maximumFractionDigits: value >= 10_000 ? 0 : 1 });

export const percent = (share: number): string => format(share, { style: 'percent', maximumFractionDigits: 0 });

/** US dollars with as many decimals as a price per million needs. */
export const dollars = (value: number): string =>
  format(value, {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: value < 0.1 ? 3 : 2,
    maximumFractionDigits: value < 0.01 ? 5 : 3,
  });

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${format(value / 1000 ** power, { maximumFractionDigits: power === 0 ? 0 : 1 })} ${units[power]}`;
}

/** Seconds of a duration in milliseconds: 0.4, 12. */
export const seconds = (ms: number): string => format(ms / 1000, { maximumFractionDigits: ms < 10_000 ? 1 : 0 });

/** A number with so many decimals: 0.21. */
export const decimal = (value: number, digits: number): string =>
  format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
