-- What a store of schema 1 holds, as sqlite3's .dump tells it; written when 0.1.0 was.
PRAGMA page_size = 1024;
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    measurement TEXT NOT NULL, tags TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (measurement, tags, field)
);
INSERT INTO series VALUES(1,'power',',home=tokyo','value');
INSERT INTO series VALUES(2,'+power',',home=tokyo','value');
INSERT INTO series VALUES(3,'-power',',home=tokyo','value');
INSERT INTO series VALUES(4,'ecocute',',home=tokyo','power');
INSERT INTO series VALUES(5,'ecocute',',home=tokyo','powerSum');
INSERT INTO series VALUES(6,'ecocute',',home=tokyo','tank');
CREATE TABLE point (
    series INTEGER NOT NULL, time INTEGER NOT NULL, value NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
INSERT INTO point VALUES(1,1794458800,523,0);
INSERT INTO point VALUES(1,1794458860,524,0);
INSERT INTO point VALUES(1,1794458920,525,1);
INSERT INTO point VALUES(2,1794457800,1234.5,2);
INSERT INTO point VALUES(3,1794457800,0.29999999999999998889,0);
INSERT INTO point VALUES(4,1794458800,800,0);
INSERT INTO point VALUES(5,1794458800,123456,0);
INSERT INTO point VALUES(6,1794458800,280,0);
CREATE TABLE parked (
    series INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
INSERT INTO parked VALUES(2,1794457800,'400: partial write: field type conflict');
CREATE TABLE undated (boot TEXT NOT NULL, ticks REAL NOT NULL, series INTEGER NOT NULL, value NOT NULL);
INSERT INTO undated VALUES('boot without a clock',42.5,1,7);
CREATE TABLE delivery (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO delivery VALUES('failures',3);
INSERT INTO delivery VALUES('fault','the server http://pi:8086 refuses');
INSERT INTO delivery VALUES('retry_at',1794458877.5);
CREATE INDEX waiting ON point (time) WHERE sent = 0;
COMMIT;
PRAGMA user_version = 1;
