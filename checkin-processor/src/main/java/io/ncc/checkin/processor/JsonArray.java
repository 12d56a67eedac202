package io.ncc.checkin.processor;

/** A JSON array of numbers, and of texts in which nothing is to be escaped. */
final class JsonArray {

    private final StringBuilder text = new StringBuilder("[");

    JsonArray add(long number) {
        separate().append(number);
        return this;
    }

    JsonArray add(String plain) {
        separate().append('"').append(plain).append('"');
        return this;
    }

    private StringBuilder separate() {
        return text.length() > 1 ? text.append(',') : text;
    }

    @Override
    public String toString() {
        return text + "]";
    }
}
