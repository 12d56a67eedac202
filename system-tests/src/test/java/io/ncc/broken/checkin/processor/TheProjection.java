package io.ncc.broken.checkin.processor;

/** Stands for what is made of an entry. */
public final class TheProjection {}
