// The frames of CAN sockets. See Documentation/networking/can.rst of Linux.
import type { BytesLike } from '../util/validate.js';
import { define, type Encodable, int, octets, type Struct, with_length } from './struct.js';

/** struct can_frame. */
export interface can_frame {
  /** The identifier, with CAN_EFF_FLAG, CAN_RTR_FLAG, CAN_ERR_FLAG. */
  can_id: number;
  /** The number of bytes of data: 0 to 8. Formerly can_dlc. */
  len: number;
  /** The length code of the frame, if it is 9 to 15: then there are 8 bytes of data. */
  len8_dlc: number;
  /** `len` bytes. */
  data: Buffer;
}
/** The fields of can_frame as encode takes them: `len` is the length of the data if it is left out. */
export interface can_frame_like extends Omit<Encodable<can_frame>, 'data'> {
  readonly data?: BytesLike;
}
/** struct can_frame: a frame that CAN_RAW sends and receives. Its size is CAN_MTU. */
export const can_frame: Struct<can_frame, can_frame_like> = with_length(
  define('can_frame', { can_id: int, len: int, len8_dlc: int, data: octets }),
  'len',
  'data',
);

/** struct canfd_frame. */
export interface canfd_frame {
  /** The identifier, with CAN_EFF_FLAG, CAN_ERR_FLAG. */
  can_id: number;
  /** The number of bytes of data: 0 to 64. */
  len: number;
  /** 1: sent with the second bit rate; 2: the sender is error passive; 4: a CAN FD frame. */
  flags: number;
  /** `len` bytes. */
  data: Buffer;
}
/** The fields of canfd_frame as encode takes them: `len` is the length of the data if it is left out. */
export interface canfd_frame_like extends Omit<Encodable<canfd_frame>, 'data'> {
  readonly data?: BytesLike;
}
/** struct canfd_frame: a frame that CAN_RAW sends and receives with CAN_RAW_FD_FRAMES. Its size is CANFD_MTU. */
export const canfd_frame: Struct<canfd_frame, canfd_frame_like> = with_length(
  define('canfd_frame', { can_id: int, len: int, flags: int, data: octets }),
  'len',
  'data',
);
