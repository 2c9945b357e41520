// What models do, in words.

import { m } from '$i18n';
import type { Task } from '$ipc/generated/domain';

export const taskName: Record<Task, () => string> = {
  textGeneration: () => m.task_textGeneration(),
  textToImage: () => m.task_textToImage(),
  textEmbeddings: () => m.task_textEmbeddings(),
  textClassification: () => m.task_textClassification(),
  speechRecognition: () => m.task_speechRecognition(),
  textToSpeech: () => m.task_textToSpeech(),
  translation: () => m.task_translation(),
  summarization: () => m.task_summarization(),
  imageToText: () => m.task_imageToText(),
  imageClassification: () => m.task_imageClassification(),
  objectDetection: () => m.task_objectDetection(),
  other: () => m.task_other(),
};

/** The name of a task that came as text, e.g. in a usage report. */
export const taskNameOf = (task: string): string => (task in taskName ? taskName[task as Task]() : task);
