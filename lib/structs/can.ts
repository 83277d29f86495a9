// The frames of CAN sockets. See Documentation/networking/can.rst of Linux.
import { type Decoded, define, type Encodable, int, octets, type Struct, with_length } from './struct.js';

const CAN_FRAME = {
  /** The identifier, with CAN_EFF_FLAG, CAN_RTR_FLAG, CAN_ERR_FLAG. */
  can_id: int,
  /** The number of bytes of data: 0 to 8. Formerly can_dlc. */
  len: int,
  /** The length code of the frame, if it is 9 to 15: then there are 8 bytes of data. */
  len8_dlc: int,
  /** `len` bytes. */
  data: octets,
};
/** The fields of can_frame as decode gives them; the constant can_frame says what the struct is for. */
export interface can_frame extends Decoded<typeof CAN_FRAME> {}
/** The fields of can_frame as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type can_frame_like = Encodable<can_frame>;
/** struct can_frame: a frame that CAN_RAW sends and receives. Its size is CAN_MTU.
 * `len` is the length of the data unless encode is given another. */
export const can_frame: Struct<can_frame> = with_length(define('can_frame', CAN_FRAME), 'len', 'data');

const CANFD_FRAME = {
  /** The identifier, with CAN_EFF_FLAG, CAN_ERR_FLAG. */
  can_id: int,
  /** The number of bytes of data: 0 to 64. */
  len: int,
  /** 1: sent with the second bit rate; 2: the sender is error passive; 4: a CAN FD frame. */
  flags: int,
  /** `len` bytes. */
  data: octets,
};
/** The fields of canfd_frame as decode gives them; the constant canfd_frame says what the struct is for. */
export interface canfd_frame extends Decoded<typeof CANFD_FRAME> {}
/** The fields of canfd_frame as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type canfd_frame_like = Encodable<canfd_frame>;
/** struct canfd_frame: a frame that CAN_RAW sends and receives with CAN_RAW_FD_FRAMES. Its size is
 * CANFD_MTU. `len` is as in can_frame. */
export const canfd_frame: Struct<canfd_frame> = with_length(
  define('canfd_frame', CANFD_FRAME),
  'len',
  'data',
);
