/** UTF-8 for platforms without `TextDecoder` and `TextEncoder`, such as jsdom under Jest. */

/** As much of `TextDecoder` as the glue of the WebAssembly uses, for text that is well-formed. */
export class Utf8Decoder {
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    let text = "";
    let units: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const lead = bytes[at++] as number;
      const next = () => (bytes[at++] as number) & 0x3f;
      if (lead < 0x80) units.push(lead);
      else if (lead < 0xe0) units.push(((lead & 0x1f) << 6) | next());
      else if (lead < 0xf0) units.push(((lead & 0x0f) << 12) | (next() << 6) | next());
      else {
        const point = (((lead & 0x07) << 18) | (next() << 12) | (next() << 6) | next()) - 0x10000;
        units.push(0xd800 | (point >> 10), 0xdc00 | (point & 0x3ff));
      }
      if (units.length >= 4096) {
        text += String.fromCharCode.apply(undefined, units);
        units = [];
      }
    }
    return text + String.fromCharCode.apply(undefined, units);
  }
}

/** As much of `TextEncoder` as the glue of the WebAssembly uses. Half of a surrogate pair becomes U+FFFD, as there. */
export class Utf8Encoder {
  encode(text: string): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(text.length * 3);
    return bytes.slice(0, this.encodeInto(text, bytes).written);
  }

  /** Expects room for three bytes a character. */
  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    let written = 0;
    const put = (byte: number) => (into[written++] = byte);
    const rest = (point: number, shift: number) => put(0x80 | ((point >> shift) & 0x3f));
    for (let index = 0; index < text.length; index++) {
      let point = text.codePointAt(index) as number;
      if (point > 0xffff) index++;
      else if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
      if (point < 0x80) put(point);
      else if (point < 0x800) (put(0xc0 | (point >> 6)), rest(point, 0));
      else if (point < 0x10000) (put(0xe0 | (point >> 12)), rest(point, 6), rest(point, 0));
      else (put(0xf0 | (point >> 18)), rest(point, 12), rest(point, 6), rest(point, 0));
    }
    return { read: text.length, written };
  }
}
