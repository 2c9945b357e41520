// A document to try the library with: short, with facts that no model knows, so that an answer can only come from it.

import { language } from '$i18n';

const english = {
  title: 'The lighthouse of Tern Island.md',
  text: `# The lighthouse of Tern Island

A sample document. Ask it something, and check the answer against the place that its citation opens.

## The building

The lighthouse of Tern Island was built between 1871 and 1874 from granite of the mainland quarry at Corrie. It is 34 metres high and has 148 steps. Its walls are 2.4 metres thick at the foot and 60 centimetres at the gallery.

## The light

The lamp burned rape oil until 1889, paraffin until 1931, and has been electric since. Its character is two white flashes every twelve seconds, seen at 19 nautical miles in clear weather. The lens turned on a bath of mercury until 2006, when it was replaced by a ring of light-emitting diodes.

## The keepers

Three keepers served in turns of six weeks. Ingrid Sollund, keeper from 1902 to 1937, kept the weather book that the university of the mainland still uses: it has no gap in thirty-five years but for the four days of the storm of January 1922, in which the boat house was lost.

## Visiting

The boat leaves the harbour of Corrie on Tuesdays and Saturdays at 9.30 from May to September. The crossing takes fifty minutes. The gallery is closed while terns breed, from the middle of May to the end of June.
`,
};

const chinese = {
  title: '燕鸥岛灯塔.md',
  text: `# 燕鸥岛灯塔

这是一份示例文档。向它提问，再到引用打开的位置核对回答。

## 建筑

燕鸥岛灯塔建于一八七一年至一八七四年，石料是大陆科里采石场的花岗岩。塔高三十四米，共一百四十八级台阶。塔基墙厚二点四米，到瞭望台处为六十厘米。

## 灯

灯在一八八九年以前烧菜籽油，到一九三一年为止烧煤油，此后用电。灯光特征是每十二秒两次白色闪光，晴天十九海里外可见。透镜原先浮在水银槽上转动，二〇〇六年换成了一圈发光二极管。

## 守塔人

三名守塔人轮流值守，每班六个星期。英格丽·索伦德从一九〇二年守到一九三七年，她记的气象簿至今仍为大陆的大学所用：三十五年里只缺一九二二年一月风暴的四天，那次风暴毁掉了船屋。

## 参观

每年五月到九月，每周二和周六九点半从科里港开船，航程五十分钟。燕鸥繁殖期间，即五月中旬到六月底，瞭望台不开放。
`,
};

/** In the language of the window. */
export const sampleDocument = (): { title: string; text: string } =>
  language.current.startsWith('zh') ? chinese : english;
