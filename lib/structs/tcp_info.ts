// struct tcp_info, the state of a connection: TCP_INFO. See tcp(7), linux/tcp.h.
//
// The struct grows: an older kernel returns fewer bytes than were requested, and decode returns the fields in them. The last word
// has one layout in Linux 6.18 and 6.19, and another since 7.0.
import { release } from 'node:os';
import type { StructLayout } from '../native/addon.js';
import { type Decoded, define, int, layout_of, long, newer, type Struct } from './struct.js';

// Some kernels lack the fields that are `newer`.
const TCP_INFO = {
  /** TCP_ESTABLISHED, …. */
  state: int,
  /** Congestion avoidance: TCP_CA_Open 0, _Disorder 1, _CWR 2, _Recovery 3, _Loss 4. */
  ca_state: int,
  /** Time-outs in a row without an answer. */
  retransmits: int,
  /** Window probes and keep-alives without an answer. */
  probes: int,
  /** The number of times the retransmission time-out was doubled. */
  backoff: int,
  /** TCPI_OPT_*: time stamps 1, SACK 2, window scaling 4, ECN 8, ECN seen 16, SYN data 32. */
  options: int,
  /** The peer's window scale. */
  snd_wscale: int,
  /** This side's window scale. */
  rcv_wscale: int,
  /** 1: the program limited the delivery rate, not the network. */
  delivery_rate_app_limited: newer(int),
  /** The reason TCP Fast Open failed: TFO_*. */
  fastopen_client_fail: newer(int),
  /** Retransmission time-out, in microseconds. */
  rto: int,
  /** Time-out of delayed acknowledgements, in microseconds. */
  ato: int,
  /** The size of sent segments, in bytes. */
  snd_mss: int,
  /** The size of received segments, in bytes. */
  rcv_mss: int,
  /** Segments not acknowledged. */
  unacked: int,
  /** Segments acknowledged selectively. */
  sacked: int,
  /** Segments presumed lost. */
  lost: int,
  /** Segments being retransmitted. */
  retrans: int,
  /** Not used. */
  fackets: int,
  /** Milliseconds since data was sent. */
  last_data_sent: int,
  /** Not used. */
  last_ack_sent: int,
  /** Milliseconds since data was received. */
  last_data_recv: int,
  /** Milliseconds since an acknowledgement was received. */
  last_ack_recv: int,
  /** The path's MTU, in bytes. */
  pmtu: int,
  /** Slow start threshold of the receive window, in bytes. */
  rcv_ssthresh: int,
  /** Smoothed round-trip time, in microseconds. */
  rtt: int,
  /** Mean deviation of the round-trip time, in microseconds. */
  rttvar: int,
  /** Slow start threshold, in segments. */
  snd_ssthresh: int,
  /** Congestion window, in segments. */
  snd_cwnd: int,
  /** Segment size announced to the peer, in bytes. */
  advmss: int,
  /** Number of segments that one may be out of order by. */
  reordering: int,
  /** Round-trip time as the receiver sees it, in microseconds. */
  rcv_rtt: int,
  /** Receive buffer's tuned size, in bytes. */
  rcv_space: int,
  /** Segments retransmitted in all. */
  total_retrans: int,
  /** Maximum rate of sending now, in bytes a second. */
  pacing_rate: newer(long),
  /** SO_MAX_PACING_RATE, in bytes a second; 2^64 - 1: none. */
  max_pacing_rate: newer(long),
  /** Bytes acknowledged. */
  bytes_acked: newer(long),
  /** Bytes received in order. */
  bytes_received: newer(long),
  /** Segments sent. */
  segs_out: newer(int),
  /** Segments received. */
  segs_in: newer(int),
  /** Bytes written by the program, not sent yet. */
  notsent_bytes: newer(int),
  /** Least round-trip time, in microseconds; 2^32 - 1: none yet. */
  min_rtt: newer(int),
  /** Segments with data received. */
  data_segs_in: newer(int),
  /** Segments with data sent. */
  data_segs_out: newer(int),
  /** Rate at which data arrived at the peer lately, in bytes a second. */
  delivery_rate: newer(long),
  /** Microseconds with data to send. */
  busy_time: newer(long),
  /** Microseconds limited by the peer's window. */
  rwnd_limited: newer(long),
  /** Microseconds limited by the send buffer. */
  sndbuf_limited: newer(long),
  /** Segments with data delivered. */
  delivered: newer(int),
  /** Segments delivered with ECN's CE mark. */
  delivered_ce: newer(int),
  /** Bytes sent, retransmitted ones included. */
  bytes_sent: newer(long),
  /** Bytes retransmitted. */
  bytes_retrans: newer(long),
  /** Duplicates that the peer reported. */
  dsack_dups: newer(int),
  /** Number of times segments were reordered. */
  reord_seen: newer(int),
  /** Segments received out of order. */
  rcv_ooopack: newer(int),
  /** The peer's window, in bytes. */
  snd_wnd: newer(int),
  /** The window announced to the peer, in bytes. Linux 6.2. */
  rcv_wnd: newer(int),
  /** Number of times another path was tried. Linux 6.2. */
  rehash: newer(int),
  /** Retransmission time-outs in all. Linux 6.7. */
  total_rto: newer(int),
  /** Recoveries from retransmission time-outs. Linux 6.7. */
  total_rto_recoveries: newer(int),
  /** Milliseconds spent on these recoveries. Linux 6.7. */
  total_rto_time: newer(int),
  /** Segments received with ECN's CE mark. This field and the fields below are of Accurate ECN: Linux 6.18. */
  received_ce: newer(int),
  /** Bytes delivered with ECT(1). */
  delivered_e1_bytes: newer(int),
  /** Bytes delivered with ECT(0). */
  delivered_e0_bytes: newer(int),
  /** Bytes delivered with CE. */
  delivered_ce_bytes: newer(int),
  /** Bytes received with ECT(1). */
  received_e1_bytes: newer(int),
  /** Bytes received with ECT(0). */
  received_e0_bytes: newer(int),
  /** Bytes received with CE. */
  received_ce_bytes: newer(int),
  /** TCP_ACCECN_*: how the negotiation of Accurate ECN failed. */
  accecn_fail_mode: newer(int),
  /** TCP_ACCECN_OPT_*: the kind of Accurate ECN option that was seen. */
  accecn_opt_seen: newer(int),
  /** The negotiated kind of ECN: 0 none, 1 RFC 3168, 2 accurate, 3 not known yet. Linux 7.0. */
  ecn_mode: newer(int),
  /** More options. Linux 7.0. */
  options2: newer(int),
};
/** The fields of tcp_info as decode gives them; the constant tcp_info says what the struct is for. */
export interface tcp_info extends Decoded<typeof TCP_INFO> {}

const FIRST_WITH_MODES = 7;

function layout(): StructLayout {
  const base = layout_of('tcp_info');
  const has_modes = Number.parseInt(release(), 10) >= FIRST_WITH_MODES;
  const last_word = layout_of(has_modes ? 'tcp_info_7_0' : 'tcp_info_6_18').fields;
  return { size: base.size, fields: { ...base.fields, ...last_word } };
}

/** struct tcp_info: `structs.tcp_info.decode(sock.getsockopt(SOL_TCP, TCP_INFO, structs.tcp_info.size))`. */
export const tcp_info: Struct<tcp_info> = define('tcp_info', TCP_INFO, layout());
