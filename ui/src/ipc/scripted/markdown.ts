// A small Markdown reader for the scripted backend, in the HTML shapes that the Rust crate `render` makes.
// It knows what the sample answers use and nothing more.

import type { Block } from '../generated/domain';

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function inline(text: string): string {
  return escape(text)
    .replace(/!\[([^\]]*)\]\((https?:[^)]+)\)/g, '<span class="picture-chip" data-url="$2">$1</span>')
    .replace(/\[([^\]]+)\]\((https?:[^)]+)\)/g, '<a href="$2" rel="noopener noreferrer nofollow">$1</a>')
    .replace(/\[(\d{1,2})\]/g, '<cite data-n="$1">$1</cite>')
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/\*([^*]+)\*/g, '<em>$1</em>');
}

const keywords =
  /\b(fn|let|mut|pub|use|impl|struct|match|return|async|await|const|export|import|default|from|if|else|for|in|def|class|with|as|new)\b/g;

function highlight(code: string): string {
  return code
    .split(/("[^"\n]*"|'[^'\n]*'|\/\/[^\n]*|#[^\n]*)/)
    .map((part, index) => {
      if (index % 2 === 1) {
        const kind = /^(\/\/|#)/.test(part) ? 'hl-comment' : 'hl-string';
        return `<span class="${kind}">${escape(part)}</span>`;
      }
      return escape(part)
        .replace(keywords, '<span class="hl-keyword">$1</span>')
        .replace(/\b(\d[\d_.]*)\b/g, '<span class="hl-number">$1</span>');
    })
    .join('');
}

function table(lines: string[]): string {
  const cells = (line: string) =>
    line
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => inline(cell.trim()));
  const [head = '', , ...rows] = lines;
  const th = cells(head)
    .map((cell) => `<th>${cell}</th>`)
    .join('');
  const body = rows
    .map(
      (row) =>
        `<tr>${cells(row)
          .map((cell) => `<td>${cell}</td>`)
          .join('')}</tr>`,
    )
    .join('');
  return `<div class="table"><table><thead><tr>${th}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function list(lines: string[]): string {
  const ordered = /^\d+\. /.test(lines[0] ?? '');
  const items = lines.map((line) => {
    const text = line.replace(/^(\d+\.|-) /, '');
    const task = /^\[([ x])\] (.*)$/.exec(text);
    return task
      ? `<li class="task-item"><span class="task${task[1] === 'x' ? ' done">☑' : '">☐'}</span> ${inline(task[2] ?? '')}</li>`
      : `<li>${inline(text)}</li>`;
  });
  return ordered ? `<ol>${items.join('')}</ol>` : `<ul>${items.join('')}</ul>`;
}

/** Blocks are what blank lines separate, code fences aside. */
function chunks(markdown: string): string[] {
  const found: string[] = [];
  let current: string[] = [];
  let fenced = false;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    if (line === '' && !fenced) {
      if (current.length > 0) found.push(current.join('\n'));
      current = [];
    } else current.push(line);
  }
  if (current.length > 0) found.push(current.join('\n'));
  return found;
}

function html(chunk: string): string {
  const lines = chunk.split('\n');
  const first = lines[0] ?? '';
  const fence = /^```(\w*)/.exec(first);
  if (fence) {
    const closed = lines.length > 1 && lines.at(-1)?.startsWith('```');
    const code = lines.slice(1, closed ? -1 : undefined).join('\n');
    const language = fence[1] ?? '';
    return `<figure class="code" data-lang="${language}"><figcaption>${language}</figcaption><pre><code>${highlight(code)}\n</code></pre></figure>`;
  }
  const heading = /^(#{1,4}) (.*)$/.exec(first);
  if (heading) {
    const level = (heading[1] ?? '#').length;
    return `<h${level}>${inline(heading[2] ?? '')}</h${level}>`;
  }
  if (first.startsWith('|')) return table(lines);
  if (/^(\d+\.|-) /.test(first)) return list(lines);
  if (first.startsWith('> ')) {
    return `<blockquote><p>${lines.map((line) => inline(line.replace(/^> ?/, ''))).join('<br>')}</p></blockquote>`;
  }
  return `<p>${lines.map(inline).join('\n')}</p>`;
}

export const blocksOf = (markdown: string): Block[] => chunks(markdown).map((chunk) => ({ html: html(chunk) }));
