// The documents of the scripted library: a lease as a real PDF, and texts.

export const leasePages: string[][] = [
  [
    '# Residential lease',
    'This lease is made on 1 March 2024 between Marlowe Lettings Ltd, the landlord, and Ada Byron, the tenant, for the flat on the second floor of 14 Harbour Row.',
    '## 1. Term',
    'The term is twenty-four months and begins on 1 April 2024. It ends without notice unless both parties agree in writing to extend it.',
    '## 2. Rent',
    'The rent is 1,240 euros a month, payable in advance on the third working day. Rent that is more than ten days late bears interest at four per cent above the base rate.',
    '## 3. Deposit',
    'The tenant pays a deposit of three months of rent. The landlord keeps it apart from its own money and returns it with interest within six weeks after the keys are handed back.',
  ],
  [
    '## 4. Repairs',
    'The landlord keeps the roof, the walls, the heating and the water pipes in repair. The tenant repairs what they themselves have broken, up to 120 euros in a single case and 400 euros in a year.',
    '## 5. Animals',
    'Small animals in cages may be kept. A dog or a cat needs the consent of the landlord, who may refuse it only for a reason that concerns the house or the other tenants.',
    '## 6. Ending the lease early',
    'The tenant may end the lease early with three months of notice to the end of a month when work, study or care of a relative takes them more than fifty kilometres away. A new tenant of the same standing ends the duty to pay at once.',
  ],
  [
    '## 7. Handing back',
    'The flat is handed back swept and empty. Marks of ordinary use are not repaired at the cost of the tenant. Holes in the walls are filled; the colour of the walls may stay as it is.',
    '## 8. Last words',
    'There are no agreements beside this lease. Changes need the written form. If one clause does not hold, the others still do.',
  ],
];

/** A long report: many pages, the same sentences on each, so that a place is told by what stands about it. */
export const reportPages: string[][] = Array.from({ length: 120 }, (_, index) => [
  `## Section ${index + 1}`,
  'The results were as expected and need no further comment at this point.',
  `Sample ${index + 1} was measured ${(index % 7) + 2} times in the winter and found to be ${index * 3 + 11} units long.`,
  'The results were as expected and need no further comment at this point.',
  `The committee met on day ${index + 4} and agreed on item ${index * 2 + 1} without a vote.`,
]);

export const reportText = reportPages.map((page) => page.join('\n\n')).join('\n\n');

export const fusionText = `# 检索方法

## 向量检索

向量检索把问题和段落变成向量，再按余弦距离排序。它擅长找意思相近的段落，即使用词完全不同。

## 关键词检索

关键词检索用倒排索引找出含有同样字词的段落。它擅长找一字不差的名称、编号和代码。

## 融合

**倒数排名融合**（\`RRF\`）把两份名单合成一份：每个段落的得分是各名单中名次加六十之后的倒数之和。融合的结果不应低于任何一方单独的结果。`;

export const notesText = `# Notes on embeddings

An embedding turns a passage into a list of numbers, so that passages of similar meaning lie close together.

## Distance

**Cosine distance** is one minus the \`cosine\` of the angle between two [vectors](https://example.org/vectors). A distance of zero means the same direction. Vectors of different models must never be compared.

## Passages

A passage of about four hundred tokens is long enough to be understood alone and short enough to be about one thing. Neighbours share some sixty tokens, so that no sentence is cut from what it means.

## Reranking

A reranker reads the question and a passage together. It is slower and better than a vector search, and is asked only for the first few dozen hits.`;

/** The lease's text as the app would cut it. */
export const leaseText = leasePages.map((page) => page.join('\n\n')).join('\n\n');

export const leaseAnswer = `Yes, in one case: the lease runs for a fixed term of 24 months [1], but you may end it **early with three months of notice** when work, study or care of a relative takes you more than 50 km away [2].

- If you bring a new tenant of the same standing, your duty to pay ends at once [2].
- The deposit comes back with interest within six weeks after the keys are handed back [3].

Nothing else in the document ends the term early; other agreements would need the written form [4].`;

/** Lines of at most so many letters. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

function pageStream(paragraphs: string[]): string {
  const parts = ['BT'];
  let y = 770;
  for (const paragraph of paragraphs) {
    const level = /^#+/.exec(paragraph)?.[0].length ?? 0;
    const size = level === 1 ? 20 : level === 2 ? 13 : 11;
    for (const line of wrapped(paragraph.replace(/^#+ /, ''), 82)) {
      const text = line.replaceAll('\\', '\\\\').replaceAll('(', '\\(').replaceAll(')', '\\)');
      parts.push(`/F${level > 0 ? 2 : 1} ${size} Tf 1 0 0 1 64 ${y} Tm (${text}) Tj`);
      y -= size * 1.45;
    }
    y -= 9;
  }
  return [...parts, 'ET'].join('\n');
}

/** A PDF with one page of text for each list of paragraphs. */
export function pdfOf(pages: string[][]): Uint8Array {
  const first = 5;
  const kids = pages.map((_, index) => `${first + index * 2} 0 R`).join(' ');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>',
  ];
  for (const [index, paragraphs] of pages.entries()) {
    const stream = pageStream(paragraphs);
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents ${first + index * 2 + 1} 0 R >>`,
      `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    );
  }
  let body = '%PDF-1.4\n';
  const places: number[] = [];
  for (const [index, object] of objects.entries()) {
    places.push(body.length);
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
  }
  const table = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
  const end = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF`;
  return new TextEncoder().encode(body + end);
}
