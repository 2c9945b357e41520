// The catalogue and what was spent.

import type { AppEvent, UsageLine, UsageToday } from '../generated/domain';
import { models } from './models';
import { titles } from './samples';
import { day, hour, type Scene } from './scenario';

export interface UsageHooks {
  tell: (event: AppEvent) => void;
  simulated: () => boolean;
}

export class ScriptedUsage {
  neurons: number;

  constructor(
    private hooks: UsageHooks,
    private scene: Scene,
  ) {
    this.neurons = scene.used * 10_000;
  }

  catalogue = async () => ({
    models,
    standardChat: '@cf/zai-org/glm-4.7-flash',
    source: 'live' as const,
    fetchedAt: this.scene.now - hour,
  });

  async usageToday(): Promise<UsageToday> {
    const simulated = this.hooks.simulated();
    const resetsAt = (Math.floor(Date.now() / day) + 1) * day;
    return { neurons: this.neurons, estimated: this.neurons * 0.08, allowance: 10_000, resetsAt, simulated };
  }

  async usageReport(days: number) {
    const line = (label: string, neurons: number): UsageLine => ({
      label,
      neurons,
      estimated: Math.round(neurons * 0.08),
      inputTokens: Math.round(neurons * 31),
      outputTokens: Math.round(neurons * 9),
      calls: Math.max(neurons > 0 ? 1 : 0, Math.round(neurons / 23)),
    });
    const today = await this.usageToday();
    const none = this.scene.history === 'none';
    const byDay = Array.from({ length: days }, (_, index) => {
      const back = days - 1 - index;
      const label = new Date(Date.now() - back * day).toISOString().slice(0, 10);
      const wave = Math.round(2600 + 2400 * Math.sin(index * 1.7) + 1500 * Math.sin(index * 0.4));
      return line(label, back === 0 ? Math.round(today.neurons) : none || index % 7 === 5 ? 0 : Math.max(0, wave));
    });
    return {
      today,
      byDay,
      byModel: none
        ? []
        : [
            line('@cf/openai/gpt-oss-120b', 8210),
            line('@cf/zai-org/glm-4.7-flash', 3120),
            line('@cf/meta/llama-4-scout-17b-16e-instruct', 1460),
            line('@cf/baai/bge-m3', 210),
          ],
      byTask: none ? [] : [line('textGeneration', 12_790), line('textEmbeddings', 210)],
      byConversation: none ? [] : titles.slice(0, 8).map((title, index) => line(title, Math.round(3800 / (index + 1)))),
    };
  }

  spend(neurons: number): void {
    this.neurons += neurons;
    void this.usageToday().then((today) => this.hooks.tell({ kind: 'usageChanged', today }));
  }
}
