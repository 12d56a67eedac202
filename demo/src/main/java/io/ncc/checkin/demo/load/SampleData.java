package io.ncc.checkin.demo.load;

import io.ncc.checkin.model.Checkin;
import io.ncc.redis.StreamId;
import java.math.BigDecimal;
import java.text.Normalizer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.datafaker.Faker;
import org.springframework.security.crypto.bcrypt.BCrypt;

/**
 * The built-in sample: users with names of many languages, places in and around Oakland, California, with their details, and checkins of three days, some users
 * and places much more frequent than others.
 *
 * <p>It is the same on every machine and JDK, down to the password hashes: everything follows from one seed, and nothing from the clock,
 * the default locale or the order of a hash table.
 */
public final class SampleData {

    /** Their ids are 1 to this. */
    public static final int USERS = 1_000;

    /** Their ids are 1 to this. */
    public static final int LOCATIONS = 200;

    public static final int CHECKINS = 5_000;

    /** A midnight in Oakland. */
    static final Instant START = Instant.parse("2021-01-01T08:00:00Z");

    static final int DAYS = 3;

    private static final long SEED = 20210101;

    /** The passwords are no secret, and a thousand hashes of the usual strength take a minute: this is bcrypt's least. */
    private static final int BCRYPT_COST = 4;

    private static final String BCRYPT_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static final int BCRYPT_SALT_LENGTH = 22;

    private static final List<String> LANGUAGES = words(
            "en, en, en, en, en, es, es, es, pt-BR, vi, vi, de, fr, it, nl, da-DK, nb-NO, sv, pl, hu, tr, uk, ja, ko");

    private static final List<String> MAIL_DOMAINS = words("example.com, example.net, example.org");

    /** Letters that aren't an ASCII letter with an accent. */
    private static final Map<String, String> IN_ASCII =
            Map.of("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i");

    private static final List<Neighbourhood> NEIGHBOURHOODS = List.of(
            new Neighbourhood("Temescal", -122_261_000, 37_835_000),
            new Neighbourhood("Rockridge", -122_251_500, 37_844_300),
            new Neighbourhood("Uptown", -122_268_000, 37_811_000),
            new Neighbourhood("Old Oakland", -122_274_500, 37_801_500),
            new Neighbourhood("Jack London", -122_274_000, 37_796_500),
            new Neighbourhood("Grand Lake", -122_245_500, 37_812_500),
            new Neighbourhood("Adams Point", -122_255_500, 37_812_500),
            new Neighbourhood("Piedmont Avenue", -122_252_500, 37_827_500),
            new Neighbourhood("Lakeshore", -122_243_500, 37_809_500),
            new Neighbourhood("Dimond", -122_215_500, 37_799_500),
            new Neighbourhood("Laurel", -122_196_500, 37_792_500),
            new Neighbourhood("Montclair", -122_210_500, 37_826_500),
            new Neighbourhood("Fruitvale", -122_224_500, 37_778_500),
            new Neighbourhood("Emeryville", -122_285_000, 37_834_500),
            new Neighbourhood("Elmwood", -122_252_000, 37_858_500),
            new Neighbourhood("Alameda", -122_243_500, 37_765_000));

    /** Of a neighbourhood, in millionths of a degree: some 300 m. */
    private static final int RADIUS = 3_000;

    private static final List<String> NAMES = words("Blue Heron, Telegraph, Redwood, Golden Poppy, Bay Laurel, Acorn,"
            + " Foghorn, Broadway, Copper Kettle, Merritt, Sunday, Two Cranes, Juniper, Cypress, Harbor Light, Old Town,"
            + " Tidewater, Marigold, Night Heron, Shattuck, Pelican, Manzanita, Skyline, Wild Fennel, Quarter Moon,"
            + " Claremont, Lemon Tree, Estuary, Paper Lantern, Union");

    private static final List<Category> CATEGORIES = List.of(
            new Category(
                    "retail", 50, "000000012578999998742100", "Books, Records, Market, Cycles, Flowers, Vintage, Toys"),
            new Category("cafe", 40, "000001489765444321100000", "Coffee, Café, Roasters, Bakery, Tea House, Espresso"),
            new Category(
                    "restaurant", 55, "100000011125975224899642", "Kitchen, Grill, Taqueria, Trattoria, Diner, Bistro"),
            new Category(
                    "bar", 25, "531000000000111124678998", "Taproom, Tavern, Wine Bar, Saloon, Brewing Co., Lounge"),
            new Category("hair", 15, "000000001599789875310000", "Barbers, Hair Studio, Salon, Cuts & Color"),
            new Category("gym", 15, "000014785334323389631000", "Fitness, Climbing, Yoga, Boxing Club, Strength"));

    /** How many of a hundred give 0, 1, 2, 3, 4, 5 stars. */
    private static final List<Integer> STARS = List.of(2, 4, 9, 22, 35, 28);

    private static final List<String> PRAISES = words("a neighbourhood favourite since 1987, small and friendly,"
            + " worth the detour, open early and never in a hurry, family-run for three generations,"
            + " the best view of the estuary");

    private static final int DAYS_PER_DAY_OFF = 20;

    /** One visit in so many is of two people, in the same millisecond. */
    private static final int VISITS_PER_PAIR = 50;

    private final Random random = new Random(SEED);

    private SampleData() {}

    /** The first call takes about a second. */
    public static Dataset dataset() {
        return Made.DATASET;
    }

    private static final class Made {

        static final Dataset DATASET = make();
    }

    private static Dataset make() {
        SampleData sample = new SampleData();
        List<User> users = sample.users();
        List<Place> places = sample.places();
        List<Location> locations = places.stream().map(Place::location).toList();
        List<RecordedCheckin> checkins = sample.checkins(places);
        return new Dataset(
                users, locations, locations.stream().map(sample::details).toList(), checkins);
    }

    /** What belongs to the hash of a sample user. */
    static String password(long userId) {
        return "secret-" + userId;
    }

    private List<User> users() {
        List<Faker> fakers = LANGUAGES.stream()
                .map(language -> new Faker(Locale.forLanguageTag(language), random))
                .toList();
        List<User> users = new ArrayList<>();
        Set<String> mailboxes = new HashSet<>();
        for (long id = 1; id <= USERS; id++) {
            Faker faker = pick(fakers);
            String firstName = faker.name().firstName();
            String lastName = faker.name().lastName();
            String mailbox = mailbox(firstName, lastName);
            if (!mailboxes.add(mailbox)) {
                mailbox += id;
            }
            String email = mailbox + '@' + pick(MAIL_DOMAINS);
            users.add(new User(id, firstName, lastName, email, bcrypt(password(id)), 0, null, null, null));
        }
        return users;
    }

    private static String mailbox(String firstName, String lastName) {
        String first = asciiLetters(firstName);
        String last = asciiLetters(lastName);
        return first.isEmpty() || last.isEmpty() ? "user" : first + '.' + last;
    }

    private static String asciiLetters(String name) {
        String letters = name.toLowerCase(Locale.ROOT);
        for (var form : IN_ASCII.entrySet()) {
            letters = letters.replace(form.getKey(), form.getValue());
        }
        return Normalizer.normalize(letters, Normalizer.Form.NFD).replaceAll("[^a-z]", "");
    }

    private String bcrypt(String password) {
        StringBuilder salt = new StringBuilder("$2a$0" + BCRYPT_COST + '$');
        for (int i = 0; i < BCRYPT_SALT_LENGTH; i++) {
            salt.append(BCRYPT_DIGITS.charAt(random.nextInt(BCRYPT_DIGITS.length())));
        }
        return BCrypt.hashpw(password, salt.toString());
    }

    private List<Place> places() {
        List<Category> categories = shuffled(CATEGORIES.stream()
                .flatMap(category -> Collections.nCopies(category.locations(), category).stream())
                .toList());
        List<Place> places = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Category category : categories) {
            Neighbourhood neighbourhood = pick(NEIGHBOURHOODS);
            String name;
            do {
                String owner = random.nextInt(4) == 0 ? neighbourhood.name() : pick(NAMES);
                name = owner + ' ' + pick(words(category.trades()));
            } while (!names.add(name));
            String position = degreesNear(neighbourhood.longitude()) + ',' + degreesNear(neighbourhood.latitude());
            places.add(new Place(category, new Location(places.size() + 1, name, category.name(), position, 0, 0, 0)));
        }
        return places;
    }

    private String degreesNear(int centre) {
        int millionths = centre - RADIUS + random.nextInt(2 * RADIUS);
        return BigDecimal.valueOf(millionths, 6).toPlainString();
    }

    private List<RecordedCheckin> checkins(List<Place> places) {
        List<Place> popular = shuffled(places);
        List<Long> active = new ArrayList<>();
        for (long id = 1; id <= USERS; id++) {
            active.add(id);
        }
        active = shuffled(active);

        List<Visit> visits = new ArrayList<>();
        while (visits.size() < CHECKINS) {
            Place place = pickOneOfTheFirst(popular);
            long millis = moment(place.category());
            int people = random.nextInt(VISITS_PER_PAIR) == 0 ? 2 : 1;
            for (int i = 0; i < people && visits.size() < CHECKINS; i++) {
                Checkin checkin =
                        new Checkin(pickOneOfTheFirst(active), place.location().id(), weighted(STARS));
                visits.add(new Visit(millis, checkin));
            }
        }
        visits.sort(Comparator.comparingLong(Visit::millis));

        List<RecordedCheckin> checkins = new ArrayList<>();
        StreamId last = StreamId.ZERO;
        for (Visit visit : visits) {
            last = new StreamId(visit.millis(), visit.millis() == last.millis() ? last.sequence() + 1 : 0);
            checkins.add(new RecordedCheckin(last, visit.checkin()));
        }
        return checkins;
    }

    private long moment(Category category) {
        List<Integer> busy = category.busyHours().chars().mapToObj(c -> c - '0').toList();
        return START.plus(Duration.ofDays(random.nextInt(DAYS)))
                .plus(Duration.ofHours(weighted(busy)))
                .plus(Duration.ofMillis(random.nextInt(3_600_000)))
                .toEpochMilli();
    }

    private LocationDetails details(Location location) {
        String handle = asciiLetters(location.name());
        List<LocationDetails.Hours> hours = LocationDetails.DAYS.stream()
                .map(day -> new LocationDetails.Hours(
                        day, random.nextInt(DAYS_PER_DAY_OFF) == 0 ? "closed" : between(6, 11) + "-" + between(4, 10)))
                .toList();
        Map<String, String> socials = new LinkedHashMap<>();
        List.of("instagram", "facebook", "twitter").forEach(service -> socials.put(service, handle));
        return new LocationDetails(
                location.id(),
                hours,
                List.of(socials),
                "www." + handle + ".example",
                location.name() + ": " + pick(PRAISES) + '.',
                "(510) 555-01" + between(10, 99));
    }

    private int between(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    /** The first hundredth of the list makes up a tenth of what is picked. */
    private <T> T pickOneOfTheFirst(List<T> list) {
        double fraction = random.nextDouble();
        return list.get((int) (fraction * fraction * list.size()));
    }

    /** An index, as likely as the weight there says. */
    private int weighted(List<Integer> weights) {
        int left = random.nextInt(weights.stream().mapToInt(Integer::intValue).sum());
        int index = 0;
        while (left >= weights.get(index)) {
            left -= weights.get(index);
            index++;
        }
        return index;
    }

    private <T> List<T> shuffled(List<T> list) {
        List<T> copy = new ArrayList<>(list);
        Collections.shuffle(copy, random);
        return copy;
    }

    private static List<String> words(String text) {
        return List.of(text.split(", ", -1));
    }

    /** Its centre in millionths of a degree. */
    private record Neighbourhood(String name, int longitude, int latitude) {}

    /**
     * A kind of place.
     *
     * @param busyHours how busy it is in each hour of a day: a digit each
     * @param trades what the names of its places end in
     */
    private record Category(String name, int locations, String busyHours, String trades) {}

    private record Place(Category category, Location location) {}

    private record Visit(long millis, Checkin checkin) {}
}
