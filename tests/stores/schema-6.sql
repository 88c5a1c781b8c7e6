-- What a store of schema 6 holds, as sqlite3's .dump tells it; written when marks came to drop counts themselves.
PRAGMA page_size = 1024;
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE counted (
    period INTEGER NOT NULL, sink TEXT NOT NULL, points INTEGER NOT NULL,
    PRIMARY KEY (period, sink)
) WITHOUT ROWID;
INSERT INTO "counted" VALUES(6845,'backup',6);
CREATE TABLE delivery (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO "delivery" VALUES('failures',3);
INSERT INTO "delivery" VALUES('fault','the server http://pi:8086 refuses');
INSERT INTO "delivery" VALUES('retry_at',1794458877.5);
INSERT INTO "delivery" VALUES('sealed',1);
CREATE TABLE fill (
    sink TEXT NOT NULL, series INTEGER NOT NULL, since INTEGER NOT NULL, before INTEGER NOT NULL,
    PRIMARY KEY (sink, series)
) WITHOUT ROWID;
CREATE TABLE lacked (
    sink TEXT NOT NULL, time INTEGER NOT NULL, series INTEGER NOT NULL, change INTEGER NOT NULL, refused TEXT,
    PRIMARY KEY (sink, time, series)
) WITHOUT ROWID;
INSERT INTO "lacked" VALUES('backup',1794457800,2,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794457800,3,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458800,1,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458800,4,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458800,5,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458800,6,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458860,1,0,NULL);
INSERT INTO "lacked" VALUES('backup',1794458920,1,0,NULL);
CREATE TABLE meter (since INTEGER PRIMARY KEY, address TEXT NOT NULL);
INSERT INTO "meter" VALUES(0,'FE80:0000:0000:0000:0200:AA00:0000:0002');
CREATE TABLE parked (
    series INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
INSERT INTO "parked" VALUES(2,1794457800,'400: partial write: field type conflict');
CREATE TABLE point (
    series INTEGER NOT NULL, time INTEGER NOT NULL, value NOT NULL, sent INTEGER NOT NULL DEFAULT 0, seal INTEGER,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
INSERT INTO "point" VALUES(1,1794458800,523,0,28723);
INSERT INTO "point" VALUES(1,1794458860,524,0,3956055);
INSERT INTO "point" VALUES(1,1794458920,525,1,3970398);
INSERT INTO "point" VALUES(2,1794457800,1234.5,2,57097);
INSERT INTO "point" VALUES(3,1794457800,0.3,0,50094);
INSERT INTO "point" VALUES(4,1794458800,800,0,23973);
INSERT INTO "point" VALUES(5,1794458800,123456,0,52608);
INSERT INTO "point" VALUES(6,1794458800,280,0,33081);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    measurement TEXT NOT NULL, tags TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (measurement, tags, field)
);
INSERT INTO "series" VALUES(1,'power',',home=tokyo','value');
INSERT INTO "series" VALUES(2,'+power',',home=tokyo','value');
INSERT INTO "series" VALUES(3,'-power',',home=tokyo','value');
INSERT INTO "series" VALUES(4,'ecocute',',home=tokyo','power');
INSERT INTO "series" VALUES(5,'ecocute',',home=tokyo','powerSum');
INSERT INTO "series" VALUES(6,'ecocute',',home=tokyo','tank');
CREATE TABLE sink (name TEXT PRIMARY KEY, only TEXT NOT NULL, changes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "sink" VALUES('backup','',0);
CREATE TABLE undated (boot TEXT NOT NULL, ticks REAL NOT NULL, series INTEGER NOT NULL, value NOT NULL);
INSERT INTO "undated" VALUES('boot without a clock',42.5,1,7);
CREATE INDEX waiting ON point (time) WHERE sent = 0;
CREATE TRIGGER point_added AFTER INSERT ON point BEGIN
    UPDATE point SET seal = (SELECT gap * 65536 + ((NEW.series % 65521 * 40503 + NEW.time % 65521 * 30011 + CAST(NEW.value AS INTEGER) % 65521 * 48271 + CAST((NEW.value - CAST(NEW.value AS INTEGER)) * 4611686018427387904 AS INTEGER) % 65521 * 52711 + gap % 65521 * 33533) % 65521 + 65521) % 65521 FROM (SELECT coalesce(NEW.time - max(before.time), 0) AS gap FROM point AS before WHERE before.series = NEW.series AND before.time < NEW.time)) WHERE series = NEW.series AND time = NEW.time;
    UPDATE point SET seal = (time - NEW.time) * 65536 + ((seal & 65535) + ((time - NEW.time) % 65521 - (seal >> 16) % 65521) * 33533 % 65521 + 65521) % 65521 WHERE series = NEW.series AND time = (SELECT min(time) FROM point WHERE series = NEW.series AND time > NEW.time);
END;
CREATE TRIGGER point_changed AFTER UPDATE OF value ON point BEGIN
    UPDATE point SET seal = (seal >> 16) * 65536 + ((series % 65521 * 40503 + time % 65521 * 30011 + CAST(value AS INTEGER) % 65521 * 48271 + CAST((value - CAST(value AS INTEGER)) * 4611686018427387904 AS INTEGER) % 65521 * 52711 + (seal >> 16) % 65521 * 33533) % 65521 + 65521) % 65521
    WHERE series = NEW.series AND time = NEW.time;
END;
CREATE TRIGGER point_dropped AFTER DELETE ON point BEGIN
    UPDATE point SET seal = (coalesce(time - (SELECT max(before.time) FROM point AS before WHERE before.series = OLD.series AND before.time < OLD.time), 0)) * 65536 + ((seal & 65535) + ((coalesce(time - (SELECT max(before.time) FROM point AS before WHERE before.series = OLD.series AND before.time < OLD.time), 0)) % 65521 - (seal >> 16) % 65521) * 33533 % 65521 + 65521) % 65521 WHERE series = OLD.series AND time = (SELECT min(time) FROM point WHERE series = OLD.series AND time > OLD.time);
END;
CREATE TRIGGER sinks_lack_new AFTER INSERT ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN 
    UPDATE sink SET changes = changes + 1 WHERE (only = '' OR instr(only, ',' || (SELECT measurement FROM series WHERE id = NEW.series) || ','));
    DELETE FROM lacked WHERE sink IN (SELECT name FROM sink) AND time = NEW.time AND series = NEW.series;
    INSERT INTO lacked SELECT name, NEW.time, NEW.series, changes, NULL FROM sink WHERE (only = '' OR instr(only, ',' || (SELECT measurement FROM series WHERE id = NEW.series) || ','));
 END;
CREATE TRIGGER sinks_lack_changed AFTER UPDATE OF value ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN 
    UPDATE sink SET changes = changes + 1 WHERE (only = '' OR instr(only, ',' || (SELECT measurement FROM series WHERE id = NEW.series) || ','));
    DELETE FROM lacked WHERE sink IN (SELECT name FROM sink) AND time = NEW.time AND series = NEW.series;
    INSERT INTO lacked SELECT name, NEW.time, NEW.series, changes, NULL FROM sink WHERE (only = '' OR instr(only, ',' || (SELECT measurement FROM series WHERE id = NEW.series) || ','));
 END;
CREATE TRIGGER sinks_lack_dropped AFTER DELETE ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN
    DELETE FROM lacked WHERE sink IN (SELECT name FROM sink) AND time = OLD.time AND series = OLD.series;
END;
CREATE INDEX refused ON lacked (sink, time) WHERE refused IS NOT NULL;
CREATE TRIGGER uncounts_point_insert AFTER INSERT ON point BEGIN
    DELETE FROM counted WHERE period = NEW.time >> 18;
END;
CREATE TRIGGER uncounts_point_update AFTER UPDATE OF value ON point BEGIN
    DELETE FROM counted WHERE period = NEW.time >> 18;
END;
CREATE TRIGGER uncounts_point_delete AFTER DELETE ON point BEGIN
    DELETE FROM counted WHERE period = OLD.time >> 18;
END;
CREATE TRIGGER uncounts_lacked_update AFTER UPDATE OF refused ON lacked BEGIN
    DELETE FROM counted WHERE period = NEW.time >> 18;
END;
CREATE TRIGGER uncounts_lacked_delete AFTER DELETE ON lacked BEGIN
    DELETE FROM counted WHERE period = OLD.time >> 18;
END;
CREATE TRIGGER uncounts_fill_insert AFTER INSERT ON fill BEGIN
    DELETE FROM counted WHERE sink = NEW.sink;
END;
CREATE TRIGGER uncounts_fill_delete AFTER DELETE ON fill BEGIN
    DELETE FROM counted WHERE sink = OLD.sink;
END;
COMMIT;
PRAGMA user_version = 6;
