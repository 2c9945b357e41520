// Everything the window can ask of the Rust side: one method per command, the same names in camel case.
// `tauri.ts` is the real one, `scripted.ts` a stand-in with convincing data. Every method rejects with a `Fault`.

import type {
  AccountState,
  ActiveRun,
  AppEvent,
  AppInfo,
  Attachment,
  AttachmentId,
  Catalogue,
  CheckEvent,
  ContextMeter,
  ConversationId,
  ConversationOptions,
  ConversationPage,
  ConversationSummary,
  CopyForm,
  Discovery,
  HistoryHit,
  KeepIn,
  MessageId,
  MessageView,
  ModelId,
  RunEvent,
  RunId,
  SendRequest,
  Settings,
  Started,
  Transcript,
  UsageReport,
  UsageToday,
} from './generated/domain';

export type Listener<E> = (event: E) => void;

export type ExportFormat = 'markdown' | 'html' | 'json';

export interface Backend {
  // app
  appInfo(): Promise<AppInfo>;
  subscribe(events: Listener<AppEvent>): Promise<void>;
  /** Opens an http, https or mailto address in the person's browser. */
  openLink(url: string): Promise<void>;
  revealDataFolder(): Promise<void>;
  restoreCopy(name: string): Promise<AppInfo>;
  /** Moves the damaged file aside and begins an empty one. Never deletes. */
  startFresh(): Promise<AppInfo>;

  // account
  accountState(): Promise<AccountState>;
  discoverAccounts(token: string): Promise<Discovery>;
  checkAccount(ticket: string, accountId: string, events: Listener<CheckEvent>): Promise<boolean>;
  connectAccount(ticket: string, accountId: string, keep: KeepIn): Promise<AccountState>;
  tryDemo(): Promise<AccountState>;
  switchAccount(key: string): Promise<AccountState>;
  disconnectAccount(key: string): Promise<AccountState>;
  unlockKeyFile(passphrase: string): Promise<AccountState>;
  retryKeychain(): Promise<AccountState>;

  // chat
  sendMessage(request: SendRequest, events: Listener<RunEvent>): Promise<Started>;
  regenerate(message: MessageId, model: ModelId | null, events: Listener<RunEvent>): Promise<Started>;
  editMessage(
    message: MessageId,
    text: string,
    attachments: AttachmentId[],
    events: Listener<RunEvent>,
  ): Promise<Started>;
  continueAnswer(message: MessageId, events: Listener<RunEvent>): Promise<Started>;
  stopRun(run: RunId): Promise<void>;
  /** Replays the run's events after `after`, then goes on with new ones. */
  attachRun(run: RunId, after: number, events: Listener<RunEvent>): Promise<void>;
  activeRuns(): Promise<ActiveRun[]>;
  contextMeter(
    conversation: ConversationId | null,
    options: ConversationOptions,
    draft: string,
    attachments: AttachmentId[],
  ): Promise<ContextMeter>;
  copyMessage(message: MessageId, form: CopyForm): Promise<string>;

  // history
  conversations(offset: number, limit: number, archived: boolean): Promise<ConversationPage>;
  transcript(conversation: ConversationId): Promise<Transcript>;
  messages(ids: MessageId[]): Promise<MessageView[]>;
  selectVersion(message: MessageId): Promise<Transcript>;
  renameConversation(conversation: ConversationId, title: string): Promise<ConversationSummary>;
  pinConversation(conversation: ConversationId, pinned: boolean): Promise<ConversationSummary>;
  archiveConversation(conversation: ConversationId, archived: boolean): Promise<ConversationSummary>;
  deleteConversation(conversation: ConversationId): Promise<void>;
  undeleteConversation(conversation: ConversationId): Promise<ConversationSummary>;
  forkConversation(message: MessageId): Promise<ConversationSummary>;
  setConversationOptions(conversation: ConversationId, options: ConversationOptions): Promise<ConversationOptions>;
  saveDraft(conversation: ConversationId | null, text: string): Promise<void>;
  draft(conversation: ConversationId | null): Promise<string>;
  searchHistory(query: string, limit: number): Promise<HistoryHit[]>;
  /** Asks where to; null when the person cancelled. */
  exportConversations(ids: ConversationId[], format: ExportFormat): Promise<string | null>;
  importConversations(): Promise<number | null>;
  backUp(): Promise<string | null>;
  restoreBackup(): Promise<boolean>;

  // attach
  attachBytes(name: string, bytes: Uint8Array): Promise<Attachment>;
  attachPicked(): Promise<Attachment[]>;
  attachGrant(grant: string): Promise<Attachment[]>;
  /** The address under which the web view may show a stored picture. */
  attachmentUrl(id: AttachmentId): string;

  // models, usage, settings
  catalogue(refresh: boolean): Promise<Catalogue>;
  usageToday(): Promise<UsageToday>;
  usageReport(days: number): Promise<UsageReport>;
  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<Settings>;
}
