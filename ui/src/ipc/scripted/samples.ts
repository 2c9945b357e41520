// What the scripted backend says.

import type { Message } from '../generated/domain';

export const borrowAnswer = `Rust's borrow checker enforces **one rule at two moments**: at any point you may have *either* one mutable reference *or* any number of shared ones.

## Why the second push fails

\`first\` borrows from \`names\`, and \`push\` may move the whole buffer. The compiler sees that the borrow is still needed one line later and refuses.

\`\`\`rust
fn main() {
    let mut names = vec![String::from("Ada")];
    let first = &names[0];      // shared borrow begins
    names.push("Grace".into()); // needs a unique borrow
    println!("{first}");        // shared borrow still in use
}
\`\`\`

Three ways out, from the cheapest:

1. Shorten the borrow: use \`first\` before the push.
2. Keep an index instead of a reference.
3. Clone the value when it is small.

| Way | Copies | Reads well | When |
|---|---|---|---|
| Shorten | none | yes | almost always |
| Index | none | less | long-lived handles |
| Clone | one | yes | small values |

- [x] compiles without \`unsafe\`
- [ ] measured on a real workload

The rule is explained in [the Rust book](https://doc.rust-lang.org/book/ch04-02-references-and-borrowing.html). ![A diagram of borrows](https://pictures.example/borrows.png)`;

export const shortAnswer = `Yes. A Worker can call Workers AI through its binding, so the key never leaves Cloudflare:

\`\`\`ts
export default {
  async fetch(request, env) {
    const answer = await env.AI.run("@cf/zai-org/glm-4.7-flash", {
      prompt: await request.text(),
    });
    return Response.json(answer);
  },
};
\`\`\`

Add \`[ai] binding = "AI"\` to the configuration and deploy.`;

export const chineseAnswer = `可以。**向量检索**擅长找意思相近的段落，**关键词检索**擅长找一字不差的名称，两者合起来最稳。

1. 先各取前 50 条结果；
2. 用倒数排名融合（RRF）合并；
3. 再用重排模型排出前 8 条。

> 融合的结果不应低于任何一方单独的结果。

公式很简单：\`score = Σ 1 / (k + rank)\`，通常取 \`k = 60\`。`;

export const thoughts = `The person asks about borrowing. I should show the smallest program that fails, name the rule, and then offer ways out ordered by cost. A table helps to compare. Keep it short.`;

export const answers = [borrowAnswer, shortAnswer, chineseAnswer];

export const titles = [
  'Why the second push fails',
  'Worker that calls Workers AI',
  '向量检索与关键词检索如何结合',
  'Plan for a week in Lisbon',
  'Regex for ISO dates with offsets',
  'SQLite WAL and a full disk',
  'Polite reply to a late invoice',
  'Difference between cosine and dot product',
  '把这段话翻译成英文',
  'Names for a small café',
  'Explain RaBitQ like I know k-means',
  'CSS grid: sidebar that collapses',
  'Postmortem outline',
  'Bread with 80 % hydration',
  'Summary of the lease, section by section',
];

/** What an answer of this text ends with. */
export function finishedFields(text: string): Partial<Message> {
  return {
    finish: 'stop',
    usage: {
      inputTokens: 412,
      outputTokens: Math.ceil(text.length / 4),
      cachedTokens: 256,
      neurons: Math.round(text.length / 6) / 10,
      estimated: text.length % 2 === 0,
    },
    firstTokenMs: 410,
    streamMs: Math.max(300, text.length * 4),
  };
}
