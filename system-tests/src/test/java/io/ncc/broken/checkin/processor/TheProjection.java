package io.ncc.broken.checkin.processor;

/** Stands for a projection. */
public final class TheProjection {}
