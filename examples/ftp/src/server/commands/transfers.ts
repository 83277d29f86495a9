// Transfers of files: RETR, STOR, STOU, APPE.
import { type Reply, ReplyError, reply } from '../../protocol/replies.js';
import type { UploadOptions } from '../../store/types.js';
import type { Session } from '../session.js';
import { encoded, read_file, send_chunks, send_file } from '../transfer/download.js';
import { run_transfer } from '../transfer/transfer.js';
import { receive_file } from '../transfer/upload.js';
import { type Commands, shown_name } from './command.js';

interface Position {
  start: number;
  end: number | undefined;
  /** of an upload, bytes */
  announced: number | undefined;
}

/** Takes what REST, RANG and ALLO have said: it is for one transfer. */
function take_position(session: Session): Position {
  const { parameters } = session;
  const { restart, range, announced } = parameters;
  parameters.restart = 0;
  parameters.range = undefined;
  parameters.announced = undefined;
  return { ...(range ?? { start: restart, end: undefined }), announced };
}

async function download(session: Session, argument: string): Promise<Reply> {
  session.need('read');
  const position = take_position(session);
  const path = session.path(argument);
  const file = await session.files.open(path);
  try {
    const { type, mode } = session.parameters;
    const { start } = position;
    const end = Math.min(position.end ?? file.size, file.size);
    if (start > file.size) return reply(554, `The position is behind the end, byte ${file.size}.`);
    if (type === 'A' && (start > 0 || position.end !== undefined))
      return reply(554, 'A position counts bytes of the file: use TYPE I.');
    const channel = session.check_channel();
    const rate = session.user?.max_download_rate;
    const size = end - start;
    const opening = `Sending ${shown_name(argument)} (${size} bytes).`;
    return await run_transfer(session, channel, { direction: 'download', path, size, opening }, (moving) =>
      type === 'I' && mode === 'S'
        ? send_file(moving, file, start, end, rate)
        : send_chunks(moving, encoded(session, read_file(file, start, end)), rate),
    );
  } finally {
    await file.close();
  }
}

function is_error(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/**
 * @param announced what ALLO has said, bytes
 * @param describe the text of 150 for the path that the file gets
 */
async function upload(
  session: Session,
  path: string,
  options: UploadOptions,
  announced: number | undefined,
  describe: (path: string) => string,
): Promise<Reply> {
  const channel = session.check_channel();
  const target = await session.files.upload(path, options).catch((error: unknown) => {
    const is_behind = options.offset !== undefined && options.offset > 0 && is_error(error, 'EINVAL');
    throw is_behind ? new ReplyError(reply(554, 'The position is behind the end of the file.')) : error;
  });
  const keep = session.config.uploads.keep_partial && options.unique !== true;
  return run_transfer(
    session,
    channel,
    { direction: 'upload', path: target.path, size: undefined, opening: describe(target.path) },
    (moving) => receive_file(moving, session, target, announced),
    (error) => (error === undefined ? target.commit() : target.abort(keep)),
  );
}

export const transfers: Commands = {
  RETR: { syntax: '<path>', argument: 'required', run: download },
  STOR: {
    syntax: '<path>',
    argument: 'required',
    refusal: 553,
    async run(session, argument) {
      const { start, end, announced } = take_position(session);
      if (end !== undefined) return reply(554, 'RANG is for downloads: use REST.');
      const path = session.path(argument);
      return upload(session, path, { offset: start }, announced, () => `Receiving ${shown_name(argument)}.`);
    },
  },
  STOU: {
    syntax: '[<directory>]',
    argument: 'optional',
    refusal: 553,
    run(session, argument) {
      const { announced } = take_position(session);
      // RFC 1123, section 4.1.2.9: the reply begins with FILE: and the name.
      const path = session.path(argument);
      return upload(session, path, { unique: true }, announced, (path) => `FILE: ${path}`);
    },
  },
  APPE: {
    syntax: '<path>',
    argument: 'required',
    refusal: 553,
    run(session, argument) {
      const { start, announced } = take_position(session);
      const path = session.path(argument);
      // With REST it goes on from there; without, from the end.
      const options = start > 0 ? { offset: start } : { append: true };
      return upload(session, path, options, announced, () => `Receiving ${shown_name(argument)}.`);
    },
  },
};
