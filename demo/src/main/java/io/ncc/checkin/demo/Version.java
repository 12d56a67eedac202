package io.ncc.checkin.demo;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} says. */
public final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {
            "Checkins demo " + (version == null ? "(not from its jar)" : version),
            "Java " + Runtime.version() + ", " + System.getProperty("os.name")
        };
    }
}
