// Ask the embedded ClickHouse by JDBC, as DBeaver and Metabase do, in each way of compressing, and cancel.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

class Program {
    public static void main(String[] arguments) throws Exception {
        for (String way : new String[] {"compress=0", "compress=1", "decompress=1", "compress=1&client.use_http_compression=true"}) {
            Properties account = new Properties();
            account.setProperty("user", arguments[1]);
            account.setProperty("password", arguments[2]);
            try (Connection connection = DriverManager.getConnection(arguments[0] + "?" + way, account)) {
                use(connection);
            } catch (SQLException wrong) {
                throw new IllegalStateException(way, wrong);
            }
        }
        System.out.println("fine");
        System.exit(0);
    }

    static void use(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE OR REPLACE TABLE j (a UInt64, s String) ENGINE = MergeTree ORDER BY a");
            statement.execute("INSERT INTO j SELECT number, toString(number) FROM numbers(300000)");
            long next = 0;
            try (ResultSet rows = statement.executeQuery("SELECT a, s FROM j ORDER BY a")) {
                for (; rows.next(); next++) {
                    if (rows.getLong(1) != next || !rows.getString(2).equals(Long.toString(next))) {
                        throw new IllegalStateException("row " + next + " is " + rows.getString(2));
                    }
                }
            }
            if (next != 300000) {
                throw new IllegalStateException(next + " rows");
            }
            try {
                statement.executeQuery("SELECT * FROM nowhere");
                throw new IllegalStateException("no error");
            } catch (SQLException refused) {
                if (!refused.getMessage().contains("UNKNOWN_TABLE")) {
                    throw refused;
                }
            }
        }
        cancel(connection);
    }

    static void cancel(Connection connection) throws Exception {
        try (Statement endless = connection.createStatement()) {
            Thread killer = new Thread(() -> {
                try {
                    Thread.sleep(1000);
                    endless.cancel();
                } catch (Exception wrong) {
                    wrong.printStackTrace();
                }
            });
            killer.start();
            long began = System.nanoTime();
            try (ResultSet rows = endless.executeQuery("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)")) {
                throw new IllegalStateException("it came to an end");
            } catch (SQLException ended) {
                if (System.nanoTime() - began > 40_000_000_000L) {
                    throw ended;
                }
            } finally {
                killer.join();
            }
        }
    }
}
