// The real backend: Tauri commands and channels. The only file that imports @tauri-apps.

import { Channel, invoke } from '@tauri-apps/api/core';
import type { Backend, Listener } from './backend';
import { asFault } from './faults';

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw asFault(error);
  }
}

const firstAnswers = (window as { firstAnswers?: Map<string, Promise<unknown>> }).firstAnswers;

/** A question that the shell has asked already when the page began (`window.rs`). Asked again, it is one like any other. */
async function first<T>(command: string): Promise<T> {
  const answer = firstAnswers?.get(command);
  if (!answer) return call(command);
  firstAnswers?.delete(command);
  try {
    return (await answer) as T;
  } catch (error) {
    throw asFault(error);
  }
}

function channel<E>(listener: Listener<E>): Channel<E> {
  const events = new Channel<E>();
  events.onmessage = listener;
  return events;
}

/** WebView2 has no custom schemes of its own: there they are hosts. */
const mediaOrigin = navigator.userAgent.includes('Windows') ? 'http://media.localhost' : 'media://';

const mediaUrl = (kind: 'attachment' | 'picture' | 'thumbnail', id: string): string =>
  mediaOrigin === 'media://' ? `media://${kind}/${id}` : `${mediaOrigin}/${kind}/${id}`;

export const tauri: Backend = {
  appInfo: () => first('app_info'),
  subscribe: (events) => call('subscribe', { events: channel(events) }),
  openLink: (url) => call('open_link', { url }),
  revealDataFolder: () => call('reveal_data_folder'),
  restoreCopy: (name) => call('restore_copy', { name }),
  startFresh: () => call('start_fresh'),

  accountState: () => first('account_state'),
  discoverAccounts: (token) => call('discover_accounts', { token }),
  checkAccount: (ticket, accountId, events) => call('check_account', { ticket, accountId, events: channel(events) }),
  connectAccount: (ticket, accountId, keep) => call('connect_account', { ticket, accountId, keep }),
  tryDemo: () => call('try_demo'),
  switchAccount: (key) => call('switch_account', { key }),
  disconnectAccount: (key) => call('disconnect_account', { key }),
  unlockKeyFile: (passphrase) => call('unlock_key_file', { passphrase }),
  retryKeychain: () => call('retry_keychain'),

  sendMessage: (request, events) => call('send_message', { request, events: channel(events) }),
  regenerate: (message, model, events) => call('regenerate', { message, model, events: channel(events) }),
  editMessage: (message, text, attachments, events) =>
    call('edit_message', { message, text, attachments, events: channel(events) }),
  continueAnswer: (message, events) => call('continue_answer', { message, events: channel(events) }),
  stopRun: (run) => call('stop_run', { run }),
  attachRun: (run, after, events) => call('attach_run', { run, after, events: channel(events) }),
  activeRuns: () => call('active_runs'),
  contextMeter: (conversation, options, draft, attachments) =>
    call('context_meter', { conversation, options, draft, attachments }),
  copyMessage: (message, form) => call('copy_message', { message, form }),

  conversations: (offset, limit, archived) => call('conversations', { offset, limit, archived }),
  transcript: (conversation) => call('transcript', { conversation }),
  messages: (ids) => call('messages', { ids }),
  selectVersion: (message) => call('select_version', { message }),
  renameConversation: (conversation, title) => call('rename_conversation', { conversation, title }),
  pinConversation: (conversation, pinned) => call('pin_conversation', { conversation, pinned }),
  archiveConversation: (conversation, archived) => call('archive_conversation', { conversation, archived }),
  deleteConversation: (conversation) => call('delete_conversation', { conversation }),
  undeleteConversation: (conversation) => call('undelete_conversation', { conversation }),
  forkConversation: (message) => call('fork_conversation', { message }),
  setConversationOptions: (conversation, options) => call('set_conversation_options', { conversation, options }),
  assistants: () => call('assistants'),
  saveAssistant: (id, name, options) => call('save_assistant', { id, name, options }),
  deleteAssistant: (id) => call('delete_assistant', { id }),
  saveDraft: (conversation, draft) => call('save_draft', { conversation, draft }),
  draft: (conversation) => call('draft', { conversation }),
  searchHistory: (query, limit) => call('search_history', { query, limit }),
  exportConversations: (ids, format) => call('export_conversations', { ids, format }),
  importConversations: () => call('import_conversations'),
  backUp: () => call('back_up'),
  restoreBackup: () => call('restore_backup'),

  // The bytes go as the raw body of the call, the name as a header: JSON would make four bytes of each.
  attachBytes: async (name, bytes) => {
    try {
      return await invoke('attach_bytes', bytes, { headers: { 'x-name': encodeURIComponent(name) } });
    } catch (error) {
      throw asFault(error);
    }
  },
  attachPicked: () => call('attach_picked'),
  attachGrant: (grant) => call('attach_grant', { grant }),
  attachmentUrl: (id) => mediaUrl('attachment', id),

  pictureForm: (model) => call('picture_form', { model }),
  quotePicture: (request) => call('quote_picture', { request }),
  quoteMessage: (text) => call('quote_message', { text }),
  makePictures: (request, events) => call('make_pictures', { request, events: channel(events) }),
  cancelPicture: (picture) => call('cancel_picture', { picture }),
  savePictureAgain: (picture) => call('save_picture_again', { picture }),
  pictures: (query) => call('pictures', { query }),
  galleryDays: (query) => call('gallery_days', { query }),
  picture: (picture) => call('picture', { picture }),
  starPictures: (pictures, starred) => call('star_pictures', { pictures, starred }),
  deletePictures: (pictures) => call('delete_pictures', { pictures }),
  undeletePictures: (pictures) => call('undelete_pictures', { pictures }),
  albums: () => call('albums'),
  createAlbum: (name) => call('create_album', { name }),
  renameAlbum: (album, name) => call('rename_album', { album, name }),
  deleteAlbum: (album, withPictures) => call('delete_album', { album, withPictures }),
  addToAlbum: (pictures, album) => call('add_to_album', { pictures, album }),
  removeFromAlbum: (pictures, album) => call('remove_from_album', { pictures, album }),
  savePictureAs: (picture, strip) => call('save_picture_as', { picture, strip }),
  exportPictures: (pictures, strip) => call('export_pictures', { pictures, strip }),
  picturesFolder: () => call('pictures_folder'),
  revealPicturesFolder: () => call('reveal_pictures_folder'),
  revealPicture: (picture) => call('reveal_picture', { picture }),
  copyPicture: (picture) => call('copy_picture', { picture }),
  readPictureSettings: (grant) => call('read_picture_settings', { grant }),
  pictureAsAttachment: (picture) => call('picture_as_attachment', { picture }),
  pictureUrl: (picture) => mediaUrl('picture', picture),
  thumbnailUrl: (picture) => mediaUrl('thumbnail', picture),

  catalogue: (refresh) => call('catalogue', { refresh }),
  usageToday: () => call('usage_today'),
  usageReport: (days) => call('usage_report', { days }),
  settings: () => first('settings'),
  saveSettings: (settings) => call('save_settings', { settings }),

  collections: () => call('collections'),
  createCollection: (name, colour, settings) => call('create_collection', { name, colour, settings }),
  updateCollection: (collection, name, colour, settings) =>
    call('update_collection', { collection, name, colour, settings }),
  deleteCollection: (collection) => call('delete_collection', { collection }),
  undeleteCollection: (collection) => call('undelete_collection', { collection }),
  documents: (query) => call('documents', { query }),
  addPicked: (collection, folder, events) => call('add_picked', { collection, folder, events: channel(events) }),
  addGrant: (collection, grant, events) => call('add_grant', { collection, grant, events: channel(events) }),
  addText: (collection, title, text, events) => call('add_text', { collection, title, text, events: channel(events) }),
  addAddress: (collection, address, events) => call('add_address', { collection, address, events: channel(events) }),
  acceptQuote: (quote) => call('accept_quote', { quote }),
  declineQuote: (quote) => call('decline_quote', { quote }),
  pauseIngest: (run) => call('pause_ingest', { run }),
  resumeIngest: (run) => call('resume_ingest', { run }),
  stopIngest: (run) => call('stop_ingest', { run }),
  activeIngests: () => call('active_ingests'),
  attachIngest: (run, events) => call('attach_ingest', { run, events: channel(events) }),
  retryDocument: (document, password, events) =>
    call('retry_document', { document, password, events: channel(events) }),
  retryFailed: (collection, events) => call('retry_failed', { collection, events: channel(events) }),
  setProviderKey: (url, key) => call('set_provider_key', { url, key }),
  convertDocument: (document, events) => call('convert_document', { document, events: channel(events) }),
  deleteDocuments: (documents) => call('delete_documents', { documents }),
  undeleteDocuments: (documents) => call('undelete_documents', { documents }),
  moveDocuments: (documents, collection) => call('move_documents', { documents, collection }),
  searchPassages: (query) => call('search_passages', { query }),
  passages: (document, offset, limit) => call('passages', { document, offset, limit }),
  documentText: (document) => call('document_text', { document }),
  placedLines: (document, start, end) => call('placed_lines', { document, start, end }),
  documentBytes: async (address) => new Uint8Array(await call<ArrayBuffer>('document_bytes', { address })),
  whyAnswer: (message) => call('why_answer', { message }),
  watchFolder: (collection) => call('watch_folder', { collection }),
  unwatchFolder: (collection) => call('unwatch_folder', { collection }),
  vectorInfo: () => call('vector_info'),
  exportVectors: (format) => call('export_vectors', { format }),
};
