package bench;

/** A record of the input, parsed once: its bytes, and the event with its time in ms, or null when it is malformed. */
public record Checked(byte[] raw, Event event, long time) {}
