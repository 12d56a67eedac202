package io.ncc.checkin.processor;

import io.ncc.engine.DurationRange;
import org.springframework.boot.context.properties.ConfigurationPropertiesBinding;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.convert.converter.Converter;
import org.springframework.stereotype.Component;

/** Reads a range of durations from a setting, such as {@code 1s..5s}. */
@Component
@ConfigurationPropertiesBinding
final class DurationRangeConverter implements Converter<String, DurationRange> {

    @Override
    public DurationRange convert(String text) {
        String[] ends = text.split("\\.\\.", -1);
        if (ends.length != 2) {
            throw new IllegalArgumentException("not a range of durations such as 1s..5s");
        }
        return new DurationRange(DurationStyle.detectAndParse(ends[0]), DurationStyle.detectAndParse(ends[1]));
    }
}
