package io.ncc.checkin.broken.processor;

/** Stands for what is made of an entry. */
public final class TheProjection {}
