package bench;

/** A customer's sentiment has fallen below the limit. */
public record Alert(String customer, double ewma, long n) {}
