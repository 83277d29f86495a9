// The elements of 802.11's management frames: a number, a length, and what they say.
import { layout, list_of, mark, some_bytes, text, u8, u24 } from '../../options/option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from '../../options/options.js';

export const wlan_elements = new OptionList(
  { layer: 'wlan', alone: [], unit: 1, counted: 0 },
  {
    /** the name of the network; empty: hidden, or any */
    ssid: [0, layout({ text })],
    /** in units of 500 kb/s; 0x80 marks those that all must have */
    supported_rates: [1, layout({ rates: list_of(u8()) })],
    fh_parameters: [2],
    ds_parameters: [3, layout({ channel: u8() })],
    cf_parameters: [4],
    traffic_indication_map: [5, layout({ count: u8(0), period: u8(1), control: u8(0), bitmap: some_bytes })],
    ibss_parameters: [6],
    country: [7],
    bss_load: [11],
    challenge_text: [16],
    power_constraint: [32],
    channel_switch: [37],
    erp: [42, layout({ flags: u8(0) })],
    ht_capabilities: [45],
    rsn: [48],
    extended_rates: [50, layout({ rates: list_of(u8()) })],
    ht_operation: [61],
    extended_capabilities: [127],
    vht_capabilities: [191],
    vht_operation: [192],
    wpa: [221, layout({ reserved: mark('0050f201'), parameters: some_bytes })],
    vendor: [221, layout({ oui: u24(), information: some_bytes })],
    extension: [255, layout({ number: u8(), information: some_bytes })],
  },
);
/** An element of a management frame. */
export type WlanElement = OptionsOf<typeof wlan_elements>;
/** An element of a management frame, to build. */
export type WlanElementFields = OptionFields<WlanElement>;
