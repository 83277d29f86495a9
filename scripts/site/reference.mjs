// @ts-check
// What the reference pages lack: looks through typedoc's JSON of the public modules for comments that are missing or say too little.
// scripts/site.mjs prints the list and fails; CONTRIBUTING.md ("Comments") says what a complete comment has.

/**
 * A part of typedoc's JSON: as much of it as is looked at.
 *
 * @typedef {{ tag: string, content: { text?: string }[] }} Tag
 * @typedef {{ summary: { text?: string }[], blockTags?: Tag[] }} Comment
 * @typedef {{ type: string, name?: string, types?: Type[], typeArguments?: Type[] }} Type
 * @typedef {{
 *   name: string, kind: number, comment?: Comment, children?: Reflection[], signatures?: Reflection[], parameters?: Reflection[],
 *   getSignature?: Reflection, type?: Type, flags?: { isRest?: boolean }, inheritedFrom?: { target?: unknown }
 * }} Reflection
 */

/** The kinds of reflections, by typedoc's numbers. */
const MODULE = 2;
const CONSTRUCTOR = 512;
const ACCESSOR = 262144;
/** Function and method: what is called and has a result. */
const CALLABLE = [64, 2048];
/** Constant, class, interface, property, accessor, type: what needs words and no tags. */
const DESCRIBED = [32, 128, 256, 1024, ACCESSOR, 2097152];

/** Manual pages, standards, and the documentation that the calls follow. */
const SOURCE =
  /\b[a-z_0-9]+\([1-9][a-z]*\)|\bRFC \d|Python|asyncio|\bPEP \d|\bIEEE\b|ECMAScript|\bNode('s|\b)|kernel|HAProxy|Prometheus'|tcpdump|libpcap|pcapng|scapy|docs\//;

/** Functions and methods that throw for nothing but wrong arguments. */
const NEVER_THROW = new Set(
  `
  AsyncBytesIO.close AsyncServer.fileno AsyncSocketWriter.close AsyncSocketWriter.flush BaseSelector.[dispose]
  BaseSelector.close BaseSelector.get_map BorrowedSocket.fileno EpollSelector.[dispose] EpollSelector.close
  EpollSelector.get_map MessageBatch.[dispose] MessageBatch.address MessageBatch.ancdata MessageBatch.data
  MessageBatch.flags MessageBatch.length request_context StatisticsServer.statistics AsyncServer.statistics TCPServer.statistics Chunk.[dispose] Chunk.release PacketBlock.[dispose] PacketBlock.release PacketRing.[dispose] PacketRing.close PacketRing.fileno OwnField.read OwnField.standard OwnField.when OwnMaker.get Packet.get PollSelector.[dispose]
  PollSelector.close PollSelector.get_map SelectSelector.[dispose] SelectSelector.close SelectSelector.get_map
  SSLSocket.cipher SSLSocket.getpeercert SSLSocket.pending SSLSocket.selected_alpn_protocol SSLSocket.version
  SelectorKey.[iterator] SelectorMap.entries SelectorMap.get SelectorMap.has SelectorMap.keys SelectorMap.values
  SocketStream.address SocketStream.destroySoon SocketStream.ref SocketStream.setKeepAlive SocketStream.setNoDelay
  SocketStream.unref TCPServer.fileno UDPServer.close_request UDPServer.server_activate getdefaulttimeout getfqdn
  gethostname has_dualstack_ipv6 sd_watchdog_enabled siginterrupt socket.fileno socket.getblocking socket.gettimeout socket.ref socket.unref`
    .trim()
    .split(/\s+/),
);
/** Methods that describe an object: they throw for nothing either. */
const DESCRIBES = /\.(toString|\[custom\]|\[INSPECT\])$/;

/** @param {Reflection} reflection */
const text_of = ({ comment }) =>
  [...(comment?.summary ?? []), ...(comment?.blockTags ?? []).flatMap(({ content }) => content)]
    .map(({ text }) => text ?? '')
    .join('');

/** @param {Reflection} signature @param {string} tag */
const has = (signature, tag) => signature.comment?.blockTags?.some((block) => block.tag === tag) ?? false;

/** @param {Type | undefined} type @returns {boolean} whether it holds a number, which has a unit or a meaning */
function is_number(type) {
  if (type?.type === 'union') return (type.types ?? []).some(is_number);
  return type?.type === 'intrinsic' && (type.name === 'number' || type.name === 'bigint');
}

/** @param {Type | undefined} type @returns {boolean} whether a caller gets something: no `void`, `this`, or a promise of them */
function gives(type) {
  if (type === undefined || type.type === 'predicate') return false;
  if (type.type === 'union') return (type.types ?? []).some(gives);
  if (type.typeArguments?.length === 1 && ['Promise', 'MayWait'].includes(type.name ?? ''))
    return gives(type.typeArguments[0]);
  return type.type !== 'intrinsic' || !['void', 'undefined', 'never', 'this'].includes(type.name ?? '');
}

/** @param {Reflection} signature @returns {string[]} the parameters without a word */
const bare_parameters = (signature) =>
  (signature.parameters ?? [])
    .filter(({ comment, type, flags }) => !comment && (is_number(type) || flags?.isRest))
    .map(({ name }) => `@param ${name}`);

/** @param {Reflection} signature @param {string} name @returns {string[]} what its comment lacks */
function lacks(signature, name) {
  if (!text_of(signature)) return ['a comment'];
  return [
    ...bare_parameters(signature),
    ...(gives(signature.type) && !has(signature, '@returns') ? ['@returns'] : []),
    ...(has(signature, '@throws') || NEVER_THROW.has(name) || DESCRIBES.test(name) ? [] : ['@throws']),
    ...(SOURCE.test(text_of(signature)) ? [] : ['a source']),
    ...(has(signature, '@example') ? [] : ['@example']),
  ];
}

/**
 * @param {Reflection} reflection
 * @param {string} path with the module
 * @param {Reflection} parent
 * @returns {string[]}
 */
function faults(reflection, path, parent) {
  const { kind, signatures = [], children = [] } = reflection;
  // What is inherited from a public class is looked at there.
  if (reflection.inheritedFrom?.target !== undefined) return [];
  const name = path.slice(path.indexOf('.') + 1);
  const found = [];
  const [first] = signatures;
  if (first && CALLABLE.includes(kind)) found.push(...lacks(first, name));
  if (first && kind === CONSTRUCTOR) {
    if (!text_of(first) && !text_of(parent)) found.push('a comment');
    found.push(...bare_parameters(first));
  }
  const described = kind === ACCESSOR ? (reflection.getSignature ?? reflection) : reflection;
  if (DESCRIBED.includes(kind) && !text_of(described)) found.push('a comment');
  const below = children.flatMap((child) => faults(child, `${path}.${child.name}`, reflection));
  return [...found.map((fault) => `${path}: ${fault}`), ...below];
}

/** @param {Reflection} project typedoc's JSON @returns {string[]} one line for each thing that a comment lacks */
export function missing(project) {
  const modules = (project.children ?? []).filter(({ kind }) => kind === MODULE);
  return modules.flatMap((module) =>
    (module.children ?? []).flatMap((child) =>
      faults(child, `${module.name.replace('bsd-sockets/', '')}.${child.name}`, module),
    ),
  );
}

/** @param {Reflection} project @returns {string[]} names of NEVER_THROW that are gone, or that say what they throw */
export function stale(project) {
  /** @type {Map<string, boolean>} */
  const names = new Map();
  /** @param {Reflection} reflection @param {string} path */
  const add = (reflection, path) => {
    const throws = (reflection.signatures ?? []).some((signature) => has(signature, '@throws'));
    names.set(path, (names.get(path) ?? true) && throws);
    for (const child of reflection.children ?? []) add(child, `${path}.${child.name}`);
  };
  for (const module of project.children ?? [])
    for (const child of module.children ?? []) add(child, child.name);
  return [...NEVER_THROW].filter((name) => names.get(name) !== false);
}
