// Dates as a conversation list groups them, and countdowns.

import { language, m } from '$i18n';

const day = 86_400_000;

const startOfDay = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** The heading under which something of that time stands: today, yesterday, the previous 7 days, or its month. */
export function groupOf(at: number, now: number): string {
  const today = startOfDay(now);
  if (at >= today) return m.group_today();
  // Half a day of slack: a day may have 23 or 25 hours.
  if (at >= startOfDay(today - day / 2)) return m.group_yesterday();
  if (at >= startOfDay(today - 6.5 * day)) return m.group_week();
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(language.current, { month: 'long', year: sameYear ? undefined : 'numeric' }).format(
    at,
  );
}

/** Hours, minutes and seconds until then: `7:42:05`. Never negative. */
export function countdown(until: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  return `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export const dateAndTime = (at: number): string =>
  new Intl.DateTimeFormat(language.current, { dateStyle: 'medium', timeStyle: 'short' }).format(at);

/** A calendar day given as ISO 8601, without a shift of time zone. */
export function dayName(iso: string, style: 'short' | 'long' = 'long'): string {
  const options: Intl.DateTimeFormatOptions =
    style === 'short' ? { month: 'short', day: 'numeric' } : { year: 'numeric', month: 'short', day: 'numeric' };
  return new Intl.DateTimeFormat(language.current, { ...options, timeZone: 'UTC' }).format(
    new Date(`${iso}T00:00:00Z`),
  );
}

/** A day in a list: without the year in this one. */
export function shortDate(at: number, now = Date.now()): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const options: Intl.DateTimeFormatOptions = {
    month: 'short',
    day: 'numeric',
    year: sameYear ? undefined : 'numeric',
  };
  return new Intl.DateTimeFormat(language.current, options).format(at);
}
