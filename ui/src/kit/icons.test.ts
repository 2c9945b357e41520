// Icons come from the package, their markup from our build (vite.shared.ts).
import { render, screen } from '@testing-library/svelte';
import Star from '@lucide/svelte/icons/star';
import { expect, test } from 'vitest';

test('an_icon_beside_words_is_hidden_from_those_who_listen', () => {
  const { container } = render(Star, { size: '1rem', strokeWidth: 1.5 });
  const icon = container.querySelector('svg');
  expect(icon).toHaveAttribute('aria-hidden', 'true');
  expect(icon).toHaveAttribute('width', '1rem');
  expect(icon).toHaveAttribute('stroke-width', '1.5');
  expect(icon).toHaveAttribute('fill', 'none');
  expect(icon?.querySelector('path')).toHaveAttribute('d');
});

test('an_icon_that_stands_for_words_has_a_name', () => {
  render(Star, { 'aria-label': 'Favourite', fill: 'currentColor' });
  const icon = screen.getByRole('img', { name: 'Favourite' });
  expect(icon).not.toHaveAttribute('aria-hidden');
  expect(icon).toHaveAttribute('fill', 'currentColor');
});
