import GRDB

/// The database's tables, as a list of steps that every store has taken so far.
///
/// A step that has been released never changes; what comes later is another step.
enum Schema {
    static var migrator: SchemaMigrator {
        var migrator = SchemaMigrator()
        migrator.registerMigration("1 blobs, manifests and names") { database in
            try database.execute(sql: blobs + manifests + names + collection)
        }
        migrator.registerMigration("2 referrers") { database in
            try database.execute(sql: referrers)
            try database.addReferrersOfStoredManifests()
        }
        migrator.registerMigration("3 groups of uploads") { database in
            try database.execute(sql: groups)
        }
        migrator.registerMigration("4 tags that stay") { database in
            try database.execute(sql: tagLocks)
        }
        migrator.registerMigration("5 memos of packaged images") { database in
            try database.execute(sql: memos)
        }
        migrator.registerMigration("6 attachments") { database in
            try database.execute(sql: attachments)
        }
        migrator.registerMigration("7 collection") { database in
            try database.execute(sql: remains)
        }
        return migrator
    }

    /// Moments are milliseconds since 1970.
    ///
    /// `id` of a blob is never used again: it names one copy of the content.
    private static let blobs = """
        CREATE TABLE store (
            key TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE repository (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            manifest_count INTEGER NOT NULL DEFAULT 0 CHECK (manifest_count >= 0),
            created_at INTEGER NOT NULL
        );
        CREATE INDEX repository_listed ON repository (name) WHERE manifest_count > 0;

        -- state: 0 present, 1 being deleted, 2 quarantined. Only 0 exists for clients.
        CREATE TABLE blob (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest TEXT NOT NULL UNIQUE,
            size INTEGER NOT NULL CHECK (size >= 0),
            state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
            synced INTEGER NOT NULL DEFAULT 0 CHECK (synced IN (0, 1)),
            created_at INTEGER NOT NULL
        );
        CREATE INDEX blob_unsynced ON blob (id) WHERE synced = 0;
        CREATE INDEX blob_deleted ON blob (id) WHERE state = 1;

        CREATE TABLE repository_blob (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            blob_id INTEGER NOT NULL REFERENCES blob (id),
            linked_at INTEGER NOT NULL,
            PRIMARY KEY (repository_id, blob_id)
        ) WITHOUT ROWID;
        CREATE INDEX repository_blob_blob ON repository_blob (blob_id);

        """

    /// `bytes` stands last, so that reading the rest of a row does not read them.
    private static let manifests = """
        CREATE TABLE manifest (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest TEXT NOT NULL UNIQUE,
            size INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            bytes BLOB NOT NULL
        );

        -- untagged_at: since when no tag points to a manifest that once had one.
        CREATE TABLE repository_manifest (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            media_type TEXT NOT NULL,
            artifact_type TEXT,
            subject TEXT,
            pushed_at INTEGER NOT NULL,
            pulled_at INTEGER,
            untagged_at INTEGER,
            PRIMARY KEY (repository_id, manifest_id)
        ) WITHOUT ROWID;
        CREATE INDEX repository_manifest_manifest ON repository_manifest (manifest_id);
        CREATE INDEX repository_manifest_subject
            ON repository_manifest (repository_id, subject, manifest_id) WHERE subject IS NOT NULL;
        CREATE INDEX repository_manifest_untagged
            ON repository_manifest (untagged_at) WHERE untagged_at IS NOT NULL;

        -- kind: 0 configuration, 1 layer, 2 manifest. The target need not exist.
        CREATE TABLE reference (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            target TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
            PRIMARY KEY (repository_id, target, manifest_id)
        ) WITHOUT ROWID;
        CREATE INDEX reference_manifest ON reference (manifest_id, repository_id, kind);

        """

    private static let names = """
        CREATE TABLE tag (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            name TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            updated_at INTEGER NOT NULL,
            expires_at INTEGER,
            PRIMARY KEY (repository_id, name)
        ) WITHOUT ROWID;
        CREATE INDEX tag_manifest ON tag (manifest_id, repository_id);
        CREATE INDEX tag_expiry ON tag (expires_at) WHERE expires_at IS NOT NULL;

        -- digest: what the tag points to since then; NULL where it was removed.
        CREATE TABLE tag_history (
            id INTEGER PRIMARY KEY,
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            tag TEXT NOT NULL,
            digest TEXT,
            at INTEGER NOT NULL
        );
        CREATE INDEX tag_history_tag ON tag_history (repository_id, tag, id);

        """

    /// A row says: at `due`, look whether the repository still needs the blob.
    private static let collection = """
        CREATE TABLE garbage (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            digest TEXT NOT NULL,
            due INTEGER NOT NULL,
            PRIMARY KEY (repository_id, digest)
        ) WITHOUT ROWID;
        CREATE INDEX garbage_due ON garbage (due);
        """

    /// A row for every manifest of a repository that has a subject.
    ///
    /// `descriptor`: what lists of referrers say of the manifest, as JSON: a list costs what it says, whatever else the
    /// manifests hold.
    private static let referrers = """
        CREATE TABLE referrer (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            subject TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            artifact_type TEXT,
            descriptor BLOB NOT NULL,
            PRIMARY KEY (repository_id, subject, manifest_id)
        ) WITHOUT ROWID;
        CREATE INDEX referrer_manifest ON referrer (manifest_id, repository_id);
        CREATE INDEX referrer_artifact_type
            ON referrer (repository_id, subject, artifact_type, manifest_id) WHERE artifact_type IS NOT NULL;
        DROP INDEX repository_manifest_subject;
        """

    /// `is_immutable`: whoever pushed it said that the tag stays with its manifest.
    private static let tagLocks = """
        ALTER TABLE tag ADD COLUMN is_immutable INTEGER NOT NULL DEFAULT 0 CHECK (is_immutable IN (0, 1));
        """

    /// What images were made of, and what is to be known of them without making them again.
    private static let memos = """
        CREATE TABLE packaging_memo (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            key TEXT NOT NULL,
            hint TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            details BLOB NOT NULL,
            PRIMARY KEY (repository_id, key)
        ) WITHOUT ROWID;
        CREATE INDEX packaging_memo_hint ON packaging_memo (repository_id, hint);
        CREATE INDEX packaging_memo_manifest ON packaging_memo (manifest_id, repository_id);
        """

    /// Images of one build that were uploaded apart, and share a tag.
    ///
    /// `tagged_manifest_id`: what the group last pointed its tag to; NULL while it waits for expected platforms.
    /// `is_staged`: nobody was told that the image is there to stay; it goes with its group.
    private static let groups = """
        CREATE TABLE upload_group (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            tag TEXT NOT NULL,
            key TEXT NOT NULL,
            tagged_manifest_id INTEGER,
            open_until INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX upload_group_key ON upload_group (repository_id, tag, key);
        CREATE INDEX upload_group_open_until ON upload_group (open_until);

        CREATE TABLE upload_part (
            group_id INTEGER NOT NULL REFERENCES upload_group (id) ON DELETE CASCADE,
            platform TEXT NOT NULL,
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            is_staged INTEGER NOT NULL CHECK (is_staged IN (0, 1)),
            PRIMARY KEY (group_id, platform)
        ) WITHOUT ROWID;
        CREATE INDEX upload_part_manifest ON upload_part (manifest_id);
        """

    /// Manifests that came with another that they are about, and go with it.
    private static let attachments = """
        CREATE TABLE attachment (
            repository_id INTEGER NOT NULL REFERENCES repository (id),
            subject_id INTEGER NOT NULL REFERENCES manifest (id),
            manifest_id INTEGER NOT NULL REFERENCES manifest (id),
            PRIMARY KEY (subject_id, repository_id, manifest_id)
        ) WITHOUT ROWID;
        CREATE INDEX attachment_manifest ON attachment (manifest_id, repository_id);
        """

    /// For finding repositories that hold nothing and tags that are long gone, and for removing the former without a look
    /// at every attachment.
    private static let remains = """
        CREATE INDEX repository_empty ON repository (id) WHERE manifest_count = 0;
        CREATE INDEX attachment_repository ON attachment (repository_id);
        CREATE INDEX tag_history_removed ON tag_history (at) WHERE digest IS NULL;
        """
}
