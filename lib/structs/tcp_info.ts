// struct tcp_info, the state of a connection: TCP_INFO. See tcp(7), linux/tcp.h.
//
// The struct grows: an older kernel returns fewer bytes than were requested, and decode returns the fields in them. The last word
// has one layout in Linux 6.18 and 6.19, and another since 7.0.
import { release } from 'node:os';
import type { StructLayout } from '../native/addon.js';
import { define, int, layout_of, long, type Struct } from './struct.js';

/** struct tcp_info: every kernel has the required fields; the optional fields depend on the kernel. */
export interface tcp_info {
  /** TCP_ESTABLISHED, …. */
  state: number;
  /** Congestion avoidance: TCP_CA_Open 0, _Disorder 1, _CWR 2, _Recovery 3, _Loss 4. */
  ca_state: number;
  /** Time-outs in a row without an answer. */
  retransmits: number;
  /** Window probes and keep-alives without an answer. */
  probes: number;
  /** The number of times the retransmission time-out was doubled. */
  backoff: number;
  /** TCPI_OPT_*: time stamps 1, SACK 2, window scaling 4, ECN 8, ECN seen 16, SYN data 32. */
  options: number;
  /** The peer's window scale. */
  snd_wscale: number;
  /** This side's window scale. */
  rcv_wscale: number;
  /** 1: the program limited the delivery rate, not the network. */
  delivery_rate_app_limited?: number;
  /** The reason TCP Fast Open failed: TFO_*. */
  fastopen_client_fail?: number;
  /** Retransmission time-out, in microseconds. */
  rto: number;
  /** Time-out of delayed acknowledgements, in microseconds. */
  ato: number;
  /** The size of sent segments, in bytes. */
  snd_mss: number;
  /** The size of received segments, in bytes. */
  rcv_mss: number;
  /** Segments not acknowledged. */
  unacked: number;
  /** Segments acknowledged selectively. */
  sacked: number;
  /** Segments presumed lost. */
  lost: number;
  /** Segments being retransmitted. */
  retrans: number;
  /** Not used. */
  fackets: number;
  /** Milliseconds since data was sent. */
  last_data_sent: number;
  /** Not used. */
  last_ack_sent: number;
  /** Milliseconds since data was received. */
  last_data_recv: number;
  /** Milliseconds since an acknowledgement was received. */
  last_ack_recv: number;
  /** The path's MTU, in bytes. */
  pmtu: number;
  /** Slow start threshold of the receive window, in bytes. */
  rcv_ssthresh: number;
  /** Smoothed round-trip time, in microseconds. */
  rtt: number;
  /** Mean deviation of the round-trip time, in microseconds. */
  rttvar: number;
  /** Slow start threshold, in segments. */
  snd_ssthresh: number;
  /** Congestion window, in segments. */
  snd_cwnd: number;
  /** Segment size announced to the peer, in bytes. */
  advmss: number;
  /** Number of segments that one may be out of order by. */
  reordering: number;
  /** Round-trip time as the receiver sees it, in microseconds. */
  rcv_rtt: number;
  /** Receive buffer's tuned size, in bytes. */
  rcv_space: number;
  /** Segments retransmitted in all. */
  total_retrans: number;
  /** Maximum rate of sending now, in bytes a second. */
  pacing_rate?: number | bigint;
  /** SO_MAX_PACING_RATE, in bytes a second; 2^64 - 1: none. */
  max_pacing_rate?: number | bigint;
  /** Bytes acknowledged. */
  bytes_acked?: number | bigint;
  /** Bytes received in order. */
  bytes_received?: number | bigint;
  /** Segments sent. */
  segs_out?: number;
  /** Segments received. */
  segs_in?: number;
  /** Bytes written by the program, not sent yet. */
  notsent_bytes?: number;
  /** Least round-trip time, in microseconds; 2^32 - 1: none yet. */
  min_rtt?: number;
  /** Segments with data received. */
  data_segs_in?: number;
  /** Segments with data sent. */
  data_segs_out?: number;
  /** Rate at which data arrived at the peer lately, in bytes a second. */
  delivery_rate?: number | bigint;
  /** Microseconds with data to send. */
  busy_time?: number | bigint;
  /** Microseconds limited by the peer's window. */
  rwnd_limited?: number | bigint;
  /** Microseconds limited by the send buffer. */
  sndbuf_limited?: number | bigint;
  /** Segments with data delivered. */
  delivered?: number;
  /** Segments delivered with ECN's CE mark. */
  delivered_ce?: number;
  /** Bytes sent, retransmitted ones included. */
  bytes_sent?: number | bigint;
  /** Bytes retransmitted. */
  bytes_retrans?: number | bigint;
  /** Duplicates that the peer reported. */
  dsack_dups?: number;
  /** Number of times segments were reordered. */
  reord_seen?: number;
  /** Segments received out of order. */
  rcv_ooopack?: number;
  /** The peer's window, in bytes. */
  snd_wnd?: number;
  /** The window announced to the peer, in bytes. Linux 6.2. */
  rcv_wnd?: number;
  /** Number of times another path was tried. Linux 6.2. */
  rehash?: number;
  /** Retransmission time-outs in all. Linux 6.7. */
  total_rto?: number;
  /** Recoveries from retransmission time-outs. Linux 6.7. */
  total_rto_recoveries?: number;
  /** Milliseconds spent on these recoveries. Linux 6.7. */
  total_rto_time?: number;
  /** Segments received with ECN's CE mark. This field and the fields below are of Accurate ECN: Linux 6.18. */
  received_ce?: number;
  /** Bytes delivered with ECT(1). */
  delivered_e1_bytes?: number;
  /** Bytes delivered with ECT(0). */
  delivered_e0_bytes?: number;
  /** Bytes delivered with CE. */
  delivered_ce_bytes?: number;
  /** Bytes received with ECT(1). */
  received_e1_bytes?: number;
  /** Bytes received with ECT(0). */
  received_e0_bytes?: number;
  /** Bytes received with CE. */
  received_ce_bytes?: number;
  /** TCP_ACCECN_*: how the negotiation of Accurate ECN failed. */
  accecn_fail_mode?: number;
  /** TCP_ACCECN_OPT_*: the kind of Accurate ECN option that was seen. */
  accecn_opt_seen?: number;
  /** The negotiated kind of ECN: 0 none, 1 RFC 3168, 2 accurate, 3 not known yet. Linux 7.0. */
  ecn_mode?: number;
  /** More options. Linux 7.0. */
  options2?: number;
}

const FIRST_WITH_MODES = 7;

function layout(): StructLayout {
  const base = layout_of('tcp_info');
  const has_modes = Number.parseInt(release(), 10) >= FIRST_WITH_MODES;
  const last_word = layout_of(has_modes ? 'tcp_info_7_0' : 'tcp_info_6_18').fields;
  return { size: base.size, fields: { ...base.fields, ...last_word } };
}

/** struct tcp_info: `structs.tcp_info.decode(sock.getsockopt(SOL_TCP, TCP_INFO, structs.tcp_info.size))`. */
export const tcp_info: Struct<tcp_info> = define(
  'tcp_info',
  {
    state: int,
    ca_state: int,
    retransmits: int,
    probes: int,
    backoff: int,
    options: int,
    snd_wscale: int,
    rcv_wscale: int,
    delivery_rate_app_limited: int,
    fastopen_client_fail: int,
    rto: int,
    ato: int,
    snd_mss: int,
    rcv_mss: int,
    unacked: int,
    sacked: int,
    lost: int,
    retrans: int,
    fackets: int,
    last_data_sent: int,
    last_ack_sent: int,
    last_data_recv: int,
    last_ack_recv: int,
    pmtu: int,
    rcv_ssthresh: int,
    rtt: int,
    rttvar: int,
    snd_ssthresh: int,
    snd_cwnd: int,
    advmss: int,
    reordering: int,
    rcv_rtt: int,
    rcv_space: int,
    total_retrans: int,
    pacing_rate: long,
    max_pacing_rate: long,
    bytes_acked: long,
    bytes_received: long,
    segs_out: int,
    segs_in: int,
    notsent_bytes: int,
    min_rtt: int,
    data_segs_in: int,
    data_segs_out: int,
    delivery_rate: long,
    busy_time: long,
    rwnd_limited: long,
    sndbuf_limited: long,
    delivered: int,
    delivered_ce: int,
    bytes_sent: long,
    bytes_retrans: long,
    dsack_dups: int,
    reord_seen: int,
    rcv_ooopack: int,
    snd_wnd: int,
    rcv_wnd: int,
    rehash: int,
    total_rto: int,
    total_rto_recoveries: int,
    total_rto_time: int,
    received_ce: int,
    delivered_e1_bytes: int,
    delivered_e0_bytes: int,
    delivered_ce_bytes: int,
    received_e1_bytes: int,
    received_e0_bytes: int,
    received_ce_bytes: int,
    accecn_fail_mode: int,
    accecn_opt_seen: int,
    ecn_mode: int,
    options2: int,
  },
  layout(),
);
