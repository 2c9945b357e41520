// Files that go with a message.

import type { AttachedFiles, Attachment, GrantedFile } from '../generated/domain';
import { fault, type Ids } from './scenario';

export interface AttachmentHooks {
  ids: Ids;
  /** What the person chooses in the dialog for files. */
  picked: () => string[];
}

/** Files that no message holds, and that the library reads. */
const isDocument = (name: string): boolean => /\.(pdf|docx|xlsx|pptx|epub|mp3|wav)$/i.test(name);

export class ScriptedAttachments {
  private stored = new Map<string, { attachment: Attachment; url: string }>();

  constructor(private hooks: AttachmentHooks) {}

  /** Those of a message. */
  of = (ids: string[]): Attachment[] => ids.flatMap((id) => this.stored.get(id)?.attachment ?? []);

  async attachBytes(name: string, bytes: Uint8Array): Promise<Attachment> {
    if (isDocument(name)) throw fault('formatUnknown', { detail: name });
    const picture = /\.(png|jpe?g|webp)$/i.test(name);
    const attachment: Attachment = {
      id: this.hooks.ids.next('attachment'),
      name,
      mediaType: picture ? 'image/png' : 'text/plain',
      size: bytes.length,
      width: picture ? 640 : null,
      height: picture ? 400 : null,
    };
    const url =
      URL.createObjectURL?.(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: attachment.mediaType })) ?? '';
    this.stored.set(attachment.id, { attachment, url });
    return attachment;
  }

  attachPicked = async (): Promise<AttachedFiles> => {
    const attached: Attachment[] = [];
    const documents: GrantedFile[] = [];
    for (const name of this.hooks.picked()) {
      const bytes = new TextEncoder().encode('Notes on borrowing.');
      if (isDocument(name)) documents.push({ name, folder: false, size: bytes.length });
      else attached.push(await this.attachBytes(name, bytes));
    }
    return {
      attached,
      refused: [],
      documents: documents.length > 0 ? { id: this.hooks.ids.next('grant'), files: documents } : null,
    };
  };

  attachGrant = async (): Promise<AttachedFiles> => ({
    attached: [await this.attachBytes('dropped.txt', new TextEncoder().encode('Dropped.'))],
    refused: [],
    documents: null,
  });

  attachmentUrl = (id: string): string => this.stored.get(id)?.url ?? '';
}
