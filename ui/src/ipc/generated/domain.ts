// Made from the crate `domain` by `./dev types`. Do not edit.

export type ConversationId = string;

export type MessageId = string;

export type RunId = string;

export type AssistantId = string;

export type AttachmentId = string;

export type AccountKey = string;

export type ModelId = string;

export type Timestamp = number;

export type FaultCode = "noAccount" | "tokenRejected" | "tokenLacksPermission" | "accountUnknown" | "dailyAllowanceSpent" | "rateLimited" | "modelBusy" | "modelGone" | "paidPlanNeeded" | "licenceNeeded" | "contextTooLong" | "contentRefused" | "badRequest" | "requestTooLarge" | "upstream" | "notTheService" | "offline" | "tlsRefused" | "proxyRefused" | "timedOut" | "streamCut" | "emptyAnswer" | "keychainLocked" | "keychainDenied" | "keychainMissing" | "keychainSilent" | "passphraseWrong" | "diskFull" | "readOnly" | "databaseBusy" | "databaseNewer" | "databaseDamaged" | "fileUnreadable" | "fileTooLarge" | "fileEncrypted" | "fileHasNoText" | "formatUnknown" | "notFound" | "invalidInput" | "capReached" | "stopped" | "internal";

export type Fault = { 
/**
 * Which event it was.
 */
code: FaultCode, 
/**
 * What the service or the system said, cleaned and at most 2,000 characters. Never holds a secret or a prompt.
 */
detail?: string, 
/**
 * The number in the service's error, e.g. 3036.
 */
upstreamCode?: number, 
/**
 * The HTTP status, when there was an answer.
 */
status?: number, 
/**
 * Milliseconds to wait before it makes sense to try again.
 */
retryAfterMs?: number, 
/**
 * When the cause goes away by itself.
 */
until?: Timestamp, 
/**
 * The model that would serve instead.
 */
replacement?: string, 
/**
 * The service's own id of the failed request, for support.
 */
reference?: string, };

export type Task = "textGeneration" | "textToImage" | "textEmbeddings" | "textClassification" | "speechRecognition" | "textToSpeech" | "translation" | "summarization" | "imageToText" | "imageClassification" | "objectDetection" | "other";

export type Price = { 
/**
 * The catalogue's wording, e.g. `per M input tokens`.
 */
unit: string, 
/**
 * US dollars for that unit.
 */
usd: number, 
/**
 * Neurons for that unit: dollars / 0.000011 when the catalogue does not say.
 */
neurons: number, };

export type Model = { 
/**
 * The name to call it by.
 */
id: ModelId, 
/**
 * The last part of the id, for display: `glm-4.7-flash`.
 */
name: string, 
/**
 * The second part: `zai-org`.
 */
author: string, 
/**
 * What it does.
 */
task: Task, 
/**
 * The catalogue's sentence on it.
 */
description: string, 
/**
 * Tokens of input and answer together.
 */
contextWindow: number | null, 
/**
 * Most tokens of an answer.
 */
maxOutput: number | null, 
/**
 * Calls tools.
 */
tools: boolean, 
/**
 * Thinks before it answers.
 */
reasoning: boolean, 
/**
 * Levels of effort it takes, e.g. `low`, `medium`, `high`; empty when it has no such switch.
 */
reasoningEfforts: Array<string>, 
/**
 * Takes pictures.
 */
vision: boolean, 
/**
 * Takes LoRA adapters.
 */
lora: boolean, 
/**
 * Needs the Workers Paid plan.
 */
paidOnly: boolean, 
/**
 * Marked as beta.
 */
beta: boolean, 
/**
 * Can be talked to: a text generation model that is not a classifier or a guard.
 */
chat: boolean, 
/**
 * Prices; empty when none is published.
 */
prices: Array<Price>, 
/**
 * The day (ISO 8601) from which it is retired; may lie in the future.
 */
retiresOn: string | null, 
/**
 * Its retirement day has passed.
 */
retired: boolean, 
/**
 * The model to use instead.
 */
replacement: ModelId | null, 
/**
 * Licence or terms page.
 */
terms: string | null, 
/**
 * Length of its vectors, for embedding models.
 */
outputDimensions: number | null, };

export type CatalogueSource = "live" | "cached" | "bundled";

export type Catalogue = { 
/**
 * The models, in the catalogue's order.
 */
models: Array<Model>, 
/**
 * The model of new conversations when the person chose none.
 */
standardChat: ModelId, 
/**
 * Where they came from.
 */
source: CatalogueSource, 
/**
 * When the service was last asked.
 */
fetchedAt: Timestamp | null, };

export type Usage = { 
/**
 * Tokens of the request.
 */
inputTokens: number | null, 
/**
 * Tokens of the answer, thoughts included.
 */
outputTokens: number | null, 
/**
 * Of the input, those read from the prefix cache.
 */
cachedTokens: number | null, 
/**
 * Cost in neurons.
 */
neurons: number | null, 
/**
 * The neurons were computed from prices, not told by the service.
 */
estimated: boolean, };

export type UsageToday = { 
/**
 * Neurons used since 00:00 UTC, as far as this machine knows.
 */
neurons: number, 
/**
 * Of these, how many are estimates.
 */
estimated: number, 
/**
 * Neurons that are free in a day.
 */
allowance: number, 
/**
 * When the count starts anew (00:00 UTC).
 */
resetsAt: Timestamp, 
/**
 * The counted calls went to the simulator: nothing was spent.
 */
simulated: boolean, };

export type UsageLine = { 
/**
 * The day (ISO 8601), model, task or conversation title.
 */
label: string, 
/**
 * Neurons in all.
 */
neurons: number, 
/**
 * Of these, estimated.
 */
estimated: number, 
/**
 * Tokens in.
 */
inputTokens: number, 
/**
 * Tokens out.
 */
outputTokens: number, 
/**
 * Calls.
 */
calls: number, };

export type UsageReport = { 
/**
 * Today's figure.
 */
today: UsageToday, 
/**
 * By UTC day, oldest first, days without calls included.
 */
byDay: Array<UsageLine>, 
/**
 * By model, dearest first.
 */
byModel: Array<UsageLine>, 
/**
 * By task, dearest first.
 */
byTask: Array<UsageLine>, 
/**
 * By conversation, dearest first; deleted ones stay under their last title.
 */
byConversation: Array<UsageLine>, };

export type KeptIn = "keychain" | "session" | "encryptedFile" | "environment" | "simulator";

export type Account = { 
/**
 * Our key for it.
 */
key: AccountKey, 
/**
 * Cloudflare's account id: 32 hexadecimal characters.
 */
accountId: string, 
/**
 * A name for people.
 */
name: string, 
/**
 * AI Gateway to go through, if any.
 */
gateway: string | null, 
/**
 * Where its token lies.
 */
keptIn: KeptIn, };

export type KeychainState = "ok" | "locked" | "denied" | "absent" | "silent";

export type AccountState = { 
/**
 * The account in use; `None` before the first minute is over.
 */
current: Account | null, 
/**
 * Its token is at hand, so that requests can be made.
 */
ready: boolean, 
/**
 * All known accounts.
 */
accounts: Array<Account>, 
/**
 * The keychain's state.
 */
keychain: KeychainState, 
/**
 * An encrypted key file waits for its passphrase.
 */
passphraseNeeded: boolean, };

export type FoundAccount = { 
/**
 * Cloudflare's account id.
 */
id: string, 
/**
 * Its name.
 */
name: string, };

export type Discovery = { 
/**
 * Names the waiting token in the following calls.
 */
ticket: string, 
/**
 * Accounts found; empty when the token may not list them.
 */
accounts: Array<FoundAccount>, 
/**
 * The person has to give the account id.
 */
accountIdNeeded: boolean, };

export type CheckStep = "tokenValid" | "workersAiPermission" | "oneTokenAnswer";

export type CheckEvent = { 
/**
 * Which tick.
 */
step: CheckStep, 
/**
 * Proved, or why not; `None` while it is being tried.
 */
outcome: CheckOutcome | null, };

export type CheckOutcome = { "kind": "proved", 
/**
 * What the probe cost, for the third tick.
 */
neurons: number | null, } | { "kind": "failed", 
/**
 * Why.
 */
fault: Fault, 
/**
 * The permission that is missing, as the dashboard names it, e.g. `Workers AI: Read`.
 */
missingPermission: string | null, };

export type KeepIn = { "kind": "keychain" } | { "kind": "session" } | { "kind": "encryptedFile", 
/**
 * The passphrase; never stored.
 */
passphrase: string, };

export type Role = "user" | "assistant";

export type MessageStatus = "complete" | "streaming" | "interrupted" | "stopped" | "failed";

export type Finish = "stop" | "length" | "tool_calls" | "content_filter" | "stopped";

export type Attachment = { 
/**
 * Names the stored bytes.
 */
id: AttachmentId, 
/**
 * The file's name as the person knew it.
 */
name: string, 
/**
 * Its media type by content, e.g. `image/png`, `text/plain`.
 */
mediaType: string, 
/**
 * Its size in bytes.
 */
size: number, 
/**
 * Pixels, for pictures.
 */
width: number | null, 
/**
 * Pixels, for pictures.
 */
height: number | null, };

export type ToolCall = { 
/**
 * The service's id for it, or one of ours.
 */
id: string, 
/**
 * The tool's name.
 */
name: string, 
/**
 * Its arguments as JSON text.
 */
arguments: string, };

export type SourceRef = { 
/**
 * The number in `[n]`, running through the conversation.
 */
n: number, 
/**
 * The document's id.
 */
document: string, 
/**
 * The document's name.
 */
title: string, 
/**
 * The page, for paged formats; from 1.
 */
page: number | null, 
/**
 * The passage's id.
 */
passage: string, 
/**
 * Fused score.
 */
score: number, 
/**
 * Cosine distance, when vectors were used.
 */
distance: number | null, 
/**
 * The passage's text.
 */
text: string, 
/**
 * Characters (Unicode scalar values) of the document's text: from. Absent in answers of before this was kept.
 */
start?: number, 
/**
 * To (exclusive).
 */
end?: number, };

export type Message = { 
/**
 * Its id.
 */
id: MessageId, 
/**
 * The conversation it belongs to.
 */
conversation: ConversationId, 
/**
 * The message it answers; `None` for a first message.
 */
parent: MessageId | null, 
/**
 * Who speaks.
 */
role: Role, 
/**
 * What was said, as received.
 */
text: string, 
/**
 * The model's thoughts, as received.
 */
thinking: string | null, 
/**
 * How long it thought, in milliseconds.
 */
thinkingMs: number | null, 
/**
 * How far it came.
 */
status: MessageStatus, 
/**
 * Why it failed or was cut.
 */
fault: Fault | null, 
/**
 * The model that answered.
 */
model: ModelId | null, 
/**
 * When it was made.
 */
createdAt: Timestamp, 
/**
 * Why the model ended.
 */
finish: Finish | null, 
/**
 * Tokens and neurons.
 */
usage: Usage | null, 
/**
 * From sending to the first token, in milliseconds.
 */
firstTokenMs: number | null, 
/**
 * From the first token to the last, in milliseconds.
 */
streamMs: number | null, 
/**
 * Files that go with it.
 */
attachments: Array<Attachment>, 
/**
 * Tools the model asked for.
 */
toolCalls: Array<ToolCall>, 
/**
 * Passages that were handed to the model for this answer.
 */
sources: Array<SourceRef>, 
/**
 * How many passages were compared for it; absent when none were looked for.
 */
considered?: number, 
/**
 * Pictures of the gallery that this answer is.
 */
pictures: Array<string>, 
/**
 * Parameters that the person set and the model refused, by their names on the wire: it was answered without them.
 */
droppedParameters?: Array<string>, };

export type Block = { 
/**
 * Safe HTML, made by `render` and by nothing else.
 */
html: string, };

export type MessageView = { 
/**
 * The message.
 */
message: Message, 
/**
 * Its text, rendered.
 */
blocks: Array<Block>, 
/**
 * Its place among its versions, from 1.
 */
version: number, 
/**
 * How many versions there are.
 */
versions: number, 
/**
 * The versions' ids, in order.
 */
siblings: Array<MessageId>, 
/**
 * The run that is writing it, if one is in flight.
 */
run: RunId | null, };

export type Parameters = { 
/**
 * 0 to 5 on native models, 0 to 2 on OpenAI-style ones.
 */
temperature: number | null, 
/**
 * Nucleus sampling.
 */
topP: number | null, 
/**
 * Only on the native endpoint.
 */
topK: number | null, 
/**
 * Most tokens of the answer.
 */
maxTokens: number | null, 
/**
 * The same seed gives the same answer, where the model honours it.
 */
seed: number | null, 
/**
 * -2 to 2.
 */
frequencyPenalty: number | null, 
/**
 * -2 to 2.
 */
presencePenalty: number | null, 
/**
 * 0 to 2, native only.
 */
repetitionPenalty: number | null, 
/**
 * `low`, `medium`, `high`, ...; `off` where the model allows no thinking.
 */
reasoningEffort: string | null, 
/**
 * Stop words.
 */
stop: Array<string>, 
/**
 * Ask for a JSON object.
 */
json: boolean, 
/**
 * The JSON schema that it must fit, as text. It counts only with [`Parameters::json`].
 */
jsonSchema: string | null, };

export type ConversationOptions = { 
/**
 * The model; the default one when absent.
 */
model: ModelId | null, 
/**
 * The system prompt.
 */
system: string | null, 
/**
 * What is set for the model.
 */
parameters: Parameters, 
/**
 * Collections of the library that are attached.
 */
collections: Array<string>, 
/**
 * Single documents of the library that are attached.
 */
documents: Array<string>, 
/**
 * Hand over attached documents whole (true), or only passages of them (false); absent = whole when they fit.
 */
wholeDocuments?: boolean, };

export type Assistant = { 
/**
 * Its id.
 */
id: AssistantId, 
/**
 * As the person named it.
 */
name: string, 
/**
 * What it sets.
 */
options: ConversationOptions, };

export type ConversationSummary = { 
/**
 * Its id.
 */
id: ConversationId, 
/**
 * Its title; empty until one is made.
 */
title: string, 
/**
 * The person named it: no title is made any more.
 */
renamed: boolean, 
/**
 * Kept at the top.
 */
pinned: boolean, 
/**
 * Put away.
 */
archived: boolean, 
/**
 * Not stored beyond this session.
 */
temporary: boolean, 
/**
 * The model it uses.
 */
model: ModelId | null, 
/**
 * When it was begun.
 */
createdAt: Timestamp, 
/**
 * When something was last said.
 */
updatedAt: Timestamp, 
/**
 * A run is in flight.
 */
streaming: boolean, };

export type ConversationPage = { 
/**
 * The rows.
 */
conversations: Array<ConversationSummary>, 
/**
 * There are more after these.
 */
more: boolean, };

export type PathItem = { 
/**
 * The message.
 */
id: MessageId, 
/**
 * Who speaks.
 */
role: Role, 
/**
 * Length of its text in characters: an estimate of its height before it is drawn.
 */
length: number, };

export type Draft = { 
/**
 * The text in the box.
 */
text: string, 
/**
 * Files beside it.
 */
attachments: Array<Attachment>, 
/**
 * Messages that wait until the answer in flight has ended, first to last.
 */
queue: Array<QueuedMessage>, };

export type QueuedMessage = { 
/**
 * What the person typed.
 */
text: string, 
/**
 * Files that go with it.
 */
attachments: Array<Attachment>, };

export type AttachedFiles = { 
/**
 * Those that were taken.
 */
attached: Array<Attachment>, 
/**
 * Those that were not.
 */
refused: Array<RefusedFile>, 
/**
 * The right to put the rest into the library: documents, which a message itself cannot hold.
 */
documents: Grant | null, };

export type RefusedFile = { 
/**
 * Its name.
 */
name: string, 
/**
 * What is wrong with it.
 */
fault: Fault, };

export type Transcript = { 
/**
 * Its row.
 */
conversation: ConversationSummary, 
/**
 * Its settings.
 */
options: ConversationOptions, 
/**
 * All messages on the shown path, first to last.
 */
path: Array<PathItem>, 
/**
 * Bodies of the last of them (at most 20).
 */
tail: Array<MessageView>, 
/**
 * What was typed and not sent.
 */
draft: Draft, };

export type SendRequest = { 
/**
 * The conversation; a new one is begun when absent.
 */
conversation: ConversationId | null, 
/**
 * The message it follows; the end of the shown path when absent.
 */
parent: MessageId | null, 
/**
 * What the person typed.
 */
text: string, 
/**
 * Files that go with it.
 */
attachments: Array<AttachmentId>, 
/**
 * Settings for a new conversation; ignored for an existing one.
 */
options: ConversationOptions | null, 
/**
 * Begin a conversation that is not stored beyond this session.
 */
temporary: boolean, 
/**
 * What stays in the box: it replaces the draft in the transaction that stores the message. The draft is left as it
 * is when absent.
 */
draft: Draft | null, };

export type Started = { 
/**
 * The run, to stop it or to attach to it.
 */
run: RunId, 
/**
 * The conversation's row.
 */
conversation: ConversationSummary, 
/**
 * The person's message, when one was made.
 */
question: MessageView | null, 
/**
 * The answer, empty as yet (or, for Continue, as far as it came).
 */
answer: MessageView, 
/**
 * The shown path from now on.
 */
path: Array<PathItem>, };

export type ContextMeter = { 
/**
 * The model's window in tokens, when known.
 */
window: number | null, 
/**
 * Estimated tokens of the system prompt.
 */
system: number, 
/**
 * Of the history that would be sent.
 */
history: number, 
/**
 * Of the draft and its attachments.
 */
draft: number, 
/**
 * Messages at the start that would be left out.
 */
leftOut: number, };

export type CopyForm = "markdown" | "curl" | "typeScript" | "python";

export type RunEvent = { 
/**
 * The run.
 */
run: RunId, 
/**
 * The answer it writes.
 */
message: MessageId, 
/**
 * Its place.
 */
seq: number, 
/**
 * What happened.
 */
what: RunStep, };

export type RunStep = { "kind": "started" } | { "kind": "waiting", 
/**
 * Why.
 */
fault: Fault, 
/**
 * Which try comes next, from 2.
 */
attempt: number, 
/**
 * The pause in milliseconds.
 */
delayMs: number, } | { "kind": "sources", 
/**
 * Which.
 */
sources: Array<SourceRef>, 
/**
 * How many passages were compared.
 */
considered: number, } | { "kind": "leftOut", 
/**
 * How many.
 */
messages: number, } | { "kind": "dropped", 
/**
 * Which, by their names on the wire.
 */
parameters: Array<string>, } | { "kind": "picture", 
/**
 * Its row.
 */
picture: Picture, } | { "kind": "thinking", 
/**
 * The new text.
 */
text: string, } | { "kind": "patch", 
/**
 * Index of the first replaced block.
 */
from: number, 
/**
 * The blocks from there on.
 */
blocks: Array<Block>, } | { "kind": "usage", 
/**
 * The figures.
 */
usage: Usage, } | { "kind": "finished", 
/**
 * The message as stored.
 */
view: MessageView, } | { "kind": "failed", 
/**
 * Why.
 */
fault: Fault, 
/**
 * The message as stored.
 */
view: MessageView, } | { "kind": "stopped", 
/**
 * The message as stored.
 */
view: MessageView, };

export type ActiveRun = { 
/**
 * The run.
 */
run: RunId, 
/**
 * Where it writes.
 */
conversation: ConversationId, 
/**
 * What it writes.
 */
message: MessageId, };

export type AppEvent = { "kind": "conversationChanged", 
/**
 * The row.
 */
conversation: ConversationSummary, } | { "kind": "conversationRemoved", 
/**
 * Which.
 */
id: ConversationId, } | { "kind": "usageChanged", 
/**
 * The new figure.
 */
today: UsageToday, } | { "kind": "accountChanged", 
/**
 * The new state.
 */
state: AccountState, } | { "kind": "catalogueChanged" } | { "kind": "savingTrouble", 
/**
 * Why.
 */
fault: Fault | null, } | { "kind": "libraryChanged", 
/**
 * The rows that changed.
 */
documents: Array<Document>, } | { "kind": "picture", 
/**
 * What.
 */
event: PictureEvent, } | { "kind": "drop", 
/**
 * What.
 */
drop: DropEvent, };

export type SnippetPart = { 
/**
 * The text.
 */
text: string, 
/**
 * It matches.
 */
hit: boolean, };

export type HistoryHit = { 
/**
 * The conversation.
 */
conversation: ConversationId, 
/**
 * Its title.
 */
title: string, 
/**
 * The message; `None` when the title matches.
 */
message: MessageId | null, 
/**
 * Who said it.
 */
role: Role | null, 
/**
 * When.
 */
at: Timestamp, 
/**
 * The text around the hit.
 */
snippet: Array<SnippetPart>, };

export type Theme = "system" | "light" | "dark";

export type Settings = { 
/**
 * `en`, `zh-CN`, or absent for the system's.
 */
locale: string | null, 
/**
 * Light or dark.
 */
theme: Theme, 
/**
 * Zoom of the whole window, 1.0 = 100 %.
 */
zoom: number, 
/**
 * Ctrl/Cmd+Enter sends, and Enter breaks the line.
 */
sendWithModifier: boolean, 
/**
 * Show the line with model, tokens, speed and neurons under each answer.
 */
showAnswerInfo: boolean, 
/**
 * Make titles in the background.
 */
makeTitles: boolean, 
/**
 * A pasted text longer than this many characters becomes a file; 0 = never.
 */
longPaste: number, 
/**
 * The model for new conversations.
 */
chatModel: ModelId | null, 
/**
 * The model for titles.
 */
titleModel: ModelId | null, 
/**
 * The model for pictures.
 */
imageModel: ModelId | null, 
/**
 * The model for embeddings.
 */
embeddingModel: ModelId | null, 
/**
 * Favourite models, shown first.
 */
favouriteModels: Array<ModelId>, 
/**
 * The system prompt of new conversations.
 */
systemPrompt: string | null, 
/**
 * Ask before a day's neurons pass this.
 */
softCap: number | null, 
/**
 * Refuse when a day's neurons pass this.
 */
hardCap: number | null, 
/**
 * `http://`, `https://` or `socks5://`; absent = the system's.
 */
proxy: string | null, 
/**
 * Path of a PEM file with further certificate authorities.
 */
customCa: string | null, 
/**
 * Seconds to wait for a connection.
 */
connectTimeoutS: number, 
/**
 * Seconds to wait for the first byte.
 */
firstByteTimeoutS: number, 
/**
 * Seconds of silence inside an answer.
 */
idleTimeoutS: number, 
/**
 * A message that begins with `画`, `/image` or `/draw` makes a picture.
 */
pictureWords: boolean, 
/**
 * Pictures leave without their settings inside, unless the person says otherwise.
 */
stripMetadata: boolean, 
/**
 * Bytes of the largest document that is read, in MiB.
 */
largestDocumentMib: number, 
/**
 * Memory that the reading of one document may take, in MiB.
 */
readingMemoryMib: number, 
/**
 * Processor time that the reading of one document may take, in seconds.
 */
readingCpuS: number, 
/**
 * Seconds that the reading of one document may last.
 */
readingWallS: number, 
/**
 * Changed keys: action name → keys, e.g. `newChat` → `Ctrl+N`.
 */
keys: { [key in string]: string }, 
/**
 * The sidebar is hidden.
 */
sidebarHidden: boolean, 
/**
 * The width of the sidebar in pixels.
 */
sidebarWidth: number, };

export type DatabaseState = { "kind": "ok" } | { "kind": "newer", 
/**
 * Its schema version.
 */
found: number, 
/**
 * The newest that this Edgewise knows.
 */
known: number, } | { "kind": "damaged", 
/**
 * What the check said.
 */
detail: string, 
/**
 * Copies that can be restored, newest first.
 */
copies: Array<BackupCopy>, } | { "kind": "locked" } | { "kind": "unreadable", 
/**
 * Why.
 */
fault: Fault, };

export type BackupCopy = { 
/**
 * File name within the copies' folder.
 */
name: string, 
/**
 * Size in bytes.
 */
size: number, 
/**
 * When it was made.
 */
madeAt: Timestamp, };

export type AppInfo = { 
/**
 * Edgewise's version.
 */
version: string, 
/**
 * Where everything lies.
 */
dataDir: string, 
/**
 * The language to use: forced by `EDGEWISE_LOCALE`, else set, else the system's.
 */
locale: string, 
/**
 * `linux`, `macos` or `windows`.
 */
platform: string, 
/**
 * The database's state.
 */
database: DatabaseState, };

export type DropEvent = { "phase": "enter", 
/**
 * Their names, without their folders.
 */
names: Array<string>, } | { "phase": "over", 
/**
 * From the left.
 */
x: number, 
/**
 * From the top.
 */
y: number, } | { "phase": "leave" } | { "phase": "dropped", 
/**
 * The right to use these files.
 */
grant: Grant, 
/**
 * From the left.
 */
x: number, 
/**
 * From the top.
 */
y: number, };

export type Grant = { 
/**
 * Names the files on the Rust side.
 */
id: string, 
/**
 * What the person may be told of them.
 */
files: Array<GrantedFile>, };

export type GrantedFile = { 
/**
 * Its name, without its folder.
 */
name: string, 
/**
 * It is a folder.
 */
folder: boolean, 
/**
 * Bytes, for files.
 */
size: number, };

export type CollectionSettings = { 
/**
 * The embedding model; changing it embeds everything anew in the background.
 */
embeddingModel: ModelId, 
/**
 * An OpenAI-compatible provider to embed with instead of Workers AI: its base URL. Its key lies in the keychain.
 */
providerUrl: string | null, 
/**
 * Tokens of a passage.
 */
passageTokens: number, 
/**
 * Tokens that neighbours share.
 */
overlapTokens: number, 
/**
 * Passages handed to the model.
 */
topK: number, 
/**
 * Hits farther away than this cosine distance are left out; absent = none is.
 */
maxDistance: number | null, 
/**
 * Let the reranker order the hits.
 */
rerank: boolean, };

export type Collection = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * One of the palette's names: `blue`, `green`, `amber`, `rose`, `violet`, `slate`.
 */
colour: string, 
/**
 * How it is cut and searched.
 */
settings: CollectionSettings, 
/**
 * Documents in it.
 */
documents: number, 
/**
 * Passages in it.
 */
passages: number, 
/**
 * Of these, with a vector of the current embedding model.
 */
embedded: number, 
/**
 * A folder that it follows; shown, never taken from the page.
 */
folder: string | null, 
/**
 * Settings that wait for the consent to what they cost. Until then, and when it is refused, `settings` hold.
 */
wanted?: CollectionSettings, 
/**
 * Why the last run over it ended early, or waits; why its folder is not watched. Gone when that goes through.
 */
trouble?: Fault, 
/**
 * When it was made.
 */
createdAt: Timestamp, };

export type DocumentState = { "kind": "queued" } | { "kind": "reading" } | { "kind": "embedding", 
/**
 * Passages that have a vector.
 */
done: number, 
/**
 * Passages in all.
 */
total: number, } | { "kind": "ready" } | { "kind": "partly", 
/**
 * Pages without text.
 */
emptyPages: Array<number>, 
/**
 * Pages in all.
 */
pages: number, } | { "kind": "paused", 
/**
 * Why it waits; absent when the person paused it.
 */
fault?: Fault, } | { "kind": "failed", 
/**
 * Why.
 */
fault: Fault, };

export type Document = { 
/**
 * Its id.
 */
id: string, 
/**
 * The collection.
 */
collection: string, 
/**
 * Its file's name, or the title of a web page or pasted text.
 */
name: string, 
/**
 * The title that its text gives, if any.
 */
title: string | null, 
/**
 * `pdf`, `docx`, `markdown`, `text`, ... by content.
 */
format: string, 
/**
 * Bytes of the original.
 */
size: number, 
/**
 * Pages, for paged formats.
 */
pages: number | null, 
/**
 * Passages.
 */
passages: number, 
/**
 * Neurons spent on it.
 */
neurons: number, 
/**
 * How far it came.
 */
state: DocumentState, 
/**
 * Where it came from, for web pages.
 */
address: string | null, 
/**
 * When it was added.
 */
addedAt: Timestamp, };

export type DocumentPage = { 
/**
 * The rows.
 */
documents: Array<Document>, 
/**
 * Rows in all.
 */
total: number, };

export type DocumentQuery = { 
/**
 * Only of this collection.
 */
collection: string | null, 
/**
 * Part of the name.
 */
name: string | null, 
/**
 * `name`, `added`, `size`, `passages` or `state`.
 */
sort: string | null, 
/**
 * Largest or newest first.
 */
descending: boolean, 
/**
 * Rows to skip.
 */
offset: number, 
/**
 * At most so many rows.
 */
limit: number, };

export type Quote = { 
/**
 * Names this offer; accepting it starts the embedding.
 */
id: string, 
/**
 * Documents that were read for it.
 */
documents: number, 
/**
 * Files that were left out, with the reason.
 */
skipped: Array<SkippedFile>, 
/**
 * Passages without a vector.
 */
passages: number, 
/**
 * Their estimated tokens.
 */
tokens: number, 
/**
 * Their estimated neurons; absent when no price is known.
 */
neurons: number | null, 
/**
 * That as a share of today's allowance, 0 to 1 and beyond.
 */
shareOfDay: number | null, };

export type SkippedFile = { 
/**
 * Its name.
 */
name: string, 
/**
 * Why.
 */
fault: Fault, };

export type IngestEvent = { "kind": "counting", 
/**
 * Files found so far.
 */
files: number, } | { "kind": "document", 
/**
 * The row.
 */
document: Document, } | { "kind": "skipped", 
/**
 * Which, and why.
 */
file: SkippedFile, } | { "kind": "quoted", 
/**
 * The offer.
 */
quote: Quote, } | { "kind": "progress", 
/**
 * Documents that are done.
 */
documentsDone: number, 
/**
 * Documents in all.
 */
documents: number, 
/**
 * Passages that have a vector.
 */
passagesDone: number, 
/**
 * Passages in all.
 */
passages: number, } | { "kind": "waiting", 
/**
 * Why.
 */
fault: Fault, 
/**
 * Milliseconds.
 */
delayMs: number, } | { "kind": "finished", 
/**
 * Documents that can be searched now.
 */
ready: number, 
/**
 * Documents that failed.
 */
failed: number, 
/**
 * Neurons spent.
 */
neurons: number, 
/**
 * Why it ended before everything was done.
 */
fault?: Fault, };

export type IngestStarted = { 
/**
 * The run, to pause, resume or stop it.
 */
run: RunId, 
/**
 * The collection it fills.
 */
collection: Collection, };

export type SearchMode = "vector" | "keyword" | "hybrid";

export type SearchRecall = "fast" | "balanced" | "exact";

export type PassageQuery = { 
/**
 * What is asked.
 */
text: string, 
/**
 * Only in these collections; all when empty.
 */
collections: Array<string>, 
/**
 * Only in these documents; all when empty.
 */
documents: Array<string>, 
/**
 * Only of these formats; all when empty.
 */
formats: Array<string>, 
/**
 * Only added since.
 */
addedSince: Timestamp | null, 
/**
 * How many; 0 = the collection's setting.
 */
k: number, 
/**
 * By meaning, words or both.
 */
mode: SearchMode, 
/**
 * Let the reranker order the hits.
 */
rerank: boolean | null, 
/**
 * Leave out hits beyond this cosine distance.
 */
maxDistance: number | null, 
/**
 * How much of the nearest vectors has to be found; balanced when absent.
 */
recall?: SearchRecall, };

export type PassageHit = { 
/**
 * The passage's id.
 */
passage: string, 
/**
 * Its document.
 */
document: string, 
/**
 * The document's name.
 */
title: string, 
/**
 * The collection.
 */
collection: string, 
/**
 * The page, from 1.
 */
page: number | null, 
/**
 * Headings above it.
 */
headingPath: Array<string>, 
/**
 * Its text.
 */
text: string, 
/**
 * Characters (Unicode scalar values) in the document's text: from.
 */
start: number, 
/**
 * To (exclusive).
 */
end: number, 
/**
 * Fused score (reciprocal rank), or the only score there is.
 */
score: number, 
/**
 * Cosine similarity.
 */
vectorScore: number | null, 
/**
 * Cosine distance, 1 − similarity.
 */
distance: number | null, 
/**
 * Rank among the vector hits, from 1.
 */
vectorRank: number | null, 
/**
 * BM25 (higher is better).
 */
keywordScore: number | null, 
/**
 * Rank among the keyword hits, from 1.
 */
keywordRank: number | null, 
/**
 * The reranker's score.
 */
rerankScore: number | null, };

export type Findings = { 
/**
 * The query as it was searched.
 */
query: string, 
/**
 * How it was searched.
 */
mode: SearchMode, 
/**
 * Passages that were compared.
 */
considered: number, 
/**
 * Hits of the vector side.
 */
vectorHits: number, 
/**
 * Hits of the keyword side.
 */
keywordHits: number, 
/**
 * The reranker was asked.
 */
reranked: boolean, 
/**
 * What was found, best first.
 */
hits: Array<PassageHit>, 
/**
 * Hits that the threshold cut.
 */
beyondThreshold: number, 
/**
 * Hits that the token budget cut.
 */
beyondBudget: number, 
/**
 * Files that are still being indexed.
 */
pendingDocuments: number, 
/**
 * All files concerned.
 */
documents: number, 
/**
 * Why one side could not be asked (the other still answered).
 */
fault: Fault | null, };

export type WhyAnswer = { 
/**
 * How the search went.
 */
findings: Findings, 
/**
 * What was handed to the model.
 */
sources: Array<SourceRef>, 
/**
 * The whole documents were handed over, because they fit.
 */
wholeDocuments: boolean, };

export type DocumentText = { 
/**
 * Its row.
 */
document: Document, 
/**
 * Its whole text, as it was cut.
 */
text: string, 
/**
 * Its sections.
 */
sections: Array<TextSection>, 
/**
 * The address of the original's bytes for pdf.js; only for PDF.
 */
pdfUrl: string | null, };

export type TextSection = { 
/**
 * Headings above and of it.
 */
headingPath: Array<string>, 
/**
 * The page, from 1.
 */
page: number | null, 
/**
 * Characters (Unicode scalar values) in the text: from.
 */
start: number, 
/**
 * To (exclusive).
 */
end: number, 
/**
 * `prose`, `table`, `code`, `list`.
 */
kind: string, };

export type PlacedLine = { 
/**
 * The page, from 1.
 */
page: number, 
/**
 * Its left edge.
 */
left: number, 
/**
 * Its lower edge.
 */
bottom: number, 
/**
 * Its width.
 */
width: number, 
/**
 * Its height.
 */
height: number, };

export type Passage = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its place in the document, from 0.
 */
ordinal: number, 
/**
 * Its text.
 */
text: string, 
/**
 * Headings above it.
 */
headingPath: Array<string>, 
/**
 * The page, from 1.
 */
page: number | null, 
/**
 * Characters in the document's text: from.
 */
start: number, 
/**
 * To (exclusive).
 */
end: number, 
/**
 * Estimated tokens.
 */
tokens: number, 
/**
 * It has a vector of the current embedding model.
 */
embedded: boolean, };

export type VectorInfo = { 
/**
 * The embedding model.
 */
model: ModelId, 
/**
 * Length of a vector.
 */
dimensions: number, 
/**
 * Pooling, where the model has a choice.
 */
pooling: string | null, 
/**
 * `cosine`, `dot` or `euclidean`.
 */
metric: string, 
/**
 * Rows.
 */
rows: number, 
/**
 * Bytes of rows and codes on disk.
 */
bytes: number, };

export type VectorFormat = "jsonl" | "csv" | "parquet" | "vectorize" | "sql";

export type PictureRequest = { 
/**
 * The model.
 */
model: ModelId | null, 
/**
 * What to draw.
 */
prompt: string, 
/**
 * What not to draw.
 */
negativePrompt: string | null, 
/**
 * Pixels.
 */
width: number | null, 
/**
 * Pixels.
 */
height: number | null, 
/**
 * Diffusion steps.
 */
steps: number | null, 
/**
 * How closely to follow the prompt.
 */
guidance: number | null, 
/**
 * The same seed gives the same picture; one is drawn when absent.
 */
seed: number | null, 
/**
 * How many, 1 to 4.
 */
count: number, 
/**
 * Reference pictures (FLUX.2: up to four), or the picture to change.
 */
references: Array<AttachmentId>, 
/**
 * How far to move from the given picture, 0 to 1.
 */
strength: number | null, 
/**
 * Where to repaint: a PNG, white = repaint.
 */
mask: AttachmentId | null, 
/**
 * The conversation it is made in, if any.
 */
conversation: ConversationId | null, };

export type NumberRange = { 
/**
 * Least.
 */
min: number, 
/**
 * Most.
 */
max: number, 
/**
 * Step.
 */
step: number, 
/**
 * What the model takes when nothing is said.
 */
default: number | null, };

export type PictureForm = { 
/**
 * The model.
 */
model: ModelId, 
/**
 * Longest prompt in characters.
 */
maxPrompt: number | null, 
/**
 * Width and height may be chosen.
 */
size: NumberRange | null, 
/**
 * The size it draws when nothing is said.
 */
defaultSize: [number, number], 
/**
 * Steps may be chosen.
 */
steps: NumberRange | null, 
/**
 * Guidance may be chosen.
 */
guidance: NumberRange | null, 
/**
 * It takes a negative prompt.
 */
negativePrompt: boolean, 
/**
 * It takes a seed.
 */
seed: boolean, 
/**
 * Reference pictures it takes, 0 to 4.
 */
references: number, 
/**
 * It needs at least one of them.
 */
needsReference: boolean, 
/**
 * It changes a given picture by `strength`.
 */
imageToImage: boolean, 
/**
 * It repaints under a mask.
 */
inpainting: boolean, 
/**
 * It needs that mask.
 */
needsMask?: boolean, 
/**
 * The form comes from the model's live schema (else from the bundled table).
 */
live: boolean, };

export type PictureState = { "kind": "pending" } | { "kind": "done" } | { "kind": "failed", 
/**
 * Why.
 */
fault: Fault, } | { "kind": "stopped" } | { "kind": "missing" } | { "kind": "damaged" };

export type Picture = { 
/**
 * Its id.
 */
id: string, 
/**
 * The run that makes or made it.
 */
run: RunId, 
/**
 * What was asked for, with the seed that was used.
 */
request: PictureRequest, 
/**
 * The model.
 */
model: ModelId, 
/**
 * How far it came.
 */
state: PictureState, 
/**
 * Pixels, as received.
 */
width: number | null, 
/**
 * Pixels, as received.
 */
height: number | null, 
/**
 * `image/png` or `image/jpeg`, as received.
 */
mediaType: string | null, 
/**
 * Its file's name in the pictures' folder.
 */
fileName: string | null, 
/**
 * Bytes.
 */
size: number | null, 
/**
 * Neurons.
 */
usage: Usage | null, 
/**
 * Marked by the person.
 */
starred: boolean, 
/**
 * Albums it is in.
 */
albums: Array<string>, 
/**
 * When it was asked for.
 */
createdAt: Timestamp, 
/**
 * How long it took, in milliseconds.
 */
tookMs: number | null, 
/**
 * What was asked for and its model does not take.
 */
leftOut?: Array<PictureField>, 
/**
 * It was made and paid for and could not be saved: its bytes are in memory only, until saving works again.
 */
unsaved?: boolean, };

export type PictureQuery = { 
/**
 * Words of the prompt; Chinese too.
 */
text: string | null, 
/**
 * Only of this model.
 */
model: ModelId | null, 
/**
 * Only of this album; `uncategorised` for none.
 */
album: string | null, 
/**
 * Only starred ones.
 */
starred: boolean, 
/**
 * Rows to skip.
 */
offset: number, 
/**
 * At most so many rows.
 */
limit: number, };

export type PicturePage = { 
/**
 * The pictures.
 */
pictures: Array<Picture>, 
/**
 * How many match in all.
 */
total: number, };

export type GalleryDay = { 
/**
 * The day (ISO 8601, local time of this machine).
 */
day: string, 
/**
 * Pictures of that day.
 */
count: number, 
/**
 * Index of its first picture in the whole list.
 */
offset: number, };

export type Album = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Pictures in it.
 */
count: number, };

export type PictureQuote = { 
/**
 * Neurons for all of them; absent when no price is published.
 */
neurons: number | null, 
/**
 * That as a share of today's allowance.
 */
shareOfDay: number | null, 
/**
 * The soft cap would be passed: ask first.
 */
ask: boolean, };

export type PictureSettings = { 
/**
 * What they say.
 */
request: PictureRequest, 
/**
 * Who wrote them: `Edgewise`, `Stable Diffusion web UI`, ...
 */
source: string, 
/**
 * The name of the model as written, when it is none of ours.
 */
modelName: string | null, };

export type PictureExport = { 
/**
 * Where it lies.
 */
file: string, 
/**
 * Pictures in it.
 */
count: number, 
/**
 * Pictures that could not be read and are not in it.
 */
leftOut: number, };

export type PictureField = "size" | "steps" | "guidance" | "seed" | "negativePrompt" | "strength";

export type PictureEvent = { "kind": "changed", 
/**
 * The row.
 */
picture: Picture, } | { "kind": "waiting", 
/**
 * Which picture.
 */
picture: string, 
/**
 * Why.
 */
fault: Fault, 
/**
 * Milliseconds.
 */
delayMs: number, } | { "kind": "removed", 
/**
 * Which.
 */
picture: string, };
