package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PathIndexTest {

    private final PathIndex<String> index = new PathIndex<>();

    @BeforeEach
    void add() {
        index.add("/users/top", "top");
        index.add("/users/{id}", "user");
        index.add("/stream", "stream");
        index.add("/docs/**", "docs");
        index.add("/", "root");
    }

    @Test
    void theCandidatesAreThoseWithTheSameFirstSegment() {
        assertThat(index.candidates("/users/5")).containsExactly("top", "user");
        assertThat(index.candidates("/users")).containsExactly("top", "user");
        assertThat(index.candidates("/stream")).containsExactly("stream");
        assertThat(index.candidates("/docs/index.html")).containsExactly("docs");
        assertThat(index.candidates("/")).containsExactly("root");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/us%65rs/5", "/users;a=1/5", "/USERS/5", "/nothing", "*", ""})
    void anythingIsACandidateIfNoPatternBeginsLikeThePath(String path) {
        assertThat(index.candidates(path)).containsExactly("top", "user", "stream", "docs", "root");
    }

    @Test
    void aVariableFirstSegmentIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> index.add("/{any}/x", "x"));
    }
}
