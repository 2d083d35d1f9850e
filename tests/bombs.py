"""Small predictions files that ask for much memory or time: each is refused, with little of both.

`BOMBS` has for each the function that writes it to a path, and words of its refusal.
"""

import gzip
import zipfile
import zlib

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MANY = 200_000_000
IDS = [f"r{row:03d}" for row in range(108)]


def csv_of(make):
    return lambda path: path.write_bytes(make())


def parquet_of(make, **options):
    return lambda path: pq.write_table(pa.table(make()), path, compression="zstd", **options)


def groups(path):
    table = pa.table({"id": ["r000"], "y": [1.0]})
    with pq.ParquetWriter(path, table.schema, write_statistics=False) as file:
        for _ in range(5000):
            file.write_table(table.slice(0, 0))


def wide_footer(path):
    columns = {"id": ["r000"], "y": [1.0], **{str(c): [1.0] for c in range(20_000)}}
    options = {"write_statistics": False, "store_schema": False, "use_dictionary": False}
    pq.write_table(pa.table(columns), path, compression="zstd", **options)


def lie(column, **options):
    """A page of 200 MB of which the list of columns says that it has 100 bytes."""

    def write(path):
        columns = {"id": ["r000"], "y": ["1"], column: pa.array([b"1" * MANY]).cast(pa.string())}
        options.setdefault("write_statistics", False)
        pq.write_table(pa.table(columns), path, compression="zstd", **options)
        group = pq.read_metadata(path).row_group(0)
        sizes = [group.column(place).total_uncompressed_size for place in range(2)]
        whole = path.read_bytes()
        footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
        said = whole[footer:]
        for size in {group.total_byte_size, *sizes}:
            if size > MANY:
                old = varint(size)
                assert old in said
                said = said.replace(old, varint(100, len(old)))
        path.write_bytes(whole[:footer] + said)

    return write


def varint(value, width=0):
    """A whole number as Thrift's compact protocol has it."""
    value, out = value << 1, bytearray()
    while value > 127 or len(out) + 1 < width:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def lost_rows(path):
    """Groups of rows that have others than the file says."""
    table = pa.table({"id": IDS, "y": np.zeros(108)})
    pq.write_table(table, path, store_schema=False, write_statistics=False)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    said = whole[footer:]
    old = varint(108)
    last = said.rindex(old)  # of the group; the file's own number comes first
    path.write_bytes(whole[:footer] + said[:last] + varint(8100) + said[last + len(old) :])


def hdf5_of(fill):
    def write(path):
        with h5py.File(path, "w") as file:
            fill(file)

    return write


def one_text_for_all(path):
    """Every id is the same text of 15 MB."""
    with h5py.File(path, "w") as file:
        texts = file.create_dataset("id", (1000,), h5py.string_dtype())
        texts[0] = "x" * (15 << 20)
        file["y"] = np.zeros(1000)
        file.flush()
        place = texts.id.get_offset()
    whole = bytearray(path.read_bytes())
    whole[place : place + 16_000] = whole[place : place + 16] * 1000
    path.write_bytes(whole)


def large_chunk(file):
    """A column that is kept in one chunk of 200 MB."""
    file["id"] = IDS
    options = {"maxshape": (None,), "chunks": (MANY // 8,), "compression": "gzip"}
    column = file.create_dataset("y", (108,), "f8", **options)
    column.id.write_direct_chunk((0,), zlib.compress(bytes(MANY), 1))


def categories(file):
    """AnnData with 10^10 labels."""
    file.attrs["encoding-type"] = "anndata"
    rows = file.create_group("obs")
    rows.attrs["_index"] = "name"
    rows["name"], rows["y/codes"] = IDS, np.zeros(108, np.int8)
    rows.create_dataset("y/categories", (10**10,), "f8", chunks=(1000,))


def zip_of(members, how=zipfile.ZIP_DEFLATED):
    def write(path):
        with zipfile.ZipFile(path, "w", how, compresslevel=1) as archive:
            for name, content in members():
                archive.writestr(name, content)

    return write


def feather_of(make, times=1, packed="zstd"):
    def write(path):
        table = pa.table(make())
        options = pa.ipc.IpcWriteOptions(compression=packed)
        with pa.ipc.new_file(path, table.schema, options=options) as file:
            for _ in range(times):
                file.write_batch(table.to_batches()[0] if len(table) else empty(table.schema))

    return write


def empty(schema):
    return pa.RecordBatch.from_pylist([], schema=schema)


def one_text(row):
    """A row of a text of 200 MB beside those of good ones."""
    return pa.array([*row, "1" * MANY])


def fixed():
    return pa.array([None] * 3, pa.binary(40_000_000))


BOMBS = {
    "commas.csv": (csv_of(lambda: b"id,y" + b"," * 15_000_000), "a row is longer than 1 MiB"),
    "columns.csv": (
        csv_of(lambda: b"id,y" + b"," * 1_000_000),
        "1,000,002 columns, 2 are expected",
    ),
    "rows.csv": (csv_of(lambda: b"id,y\n" + b"a,1\n" * 4_000_000), "it has 4,000,000 rows"),
    "gaps.csv": (csv_of(lambda: b"id,y\n" + b",\n" * 8_000_000), "it has 8,000,000 rows"),
    "old ends.csv": (csv_of(lambda: b"id,y\r" + b"a,1\r" * 4_000_000), "it has 4,000,000 rows"),
    "packed.csv": (csv_of(lambda: gzip.compress(bytes(MANY), 1)), "holds a gzip archive"),
    "packed.csv.gz": (csv_of(lambda: gzip.compress(bytes(MANY), 1)), "unpacks to more than 16 MiB"),
    "members.csv.gz": (
        csv_of(lambda: gzip.compress(b"") * 50_000),
        "it has blank lines only",
    ),
    "rows.tsv.gz": (
        csv_of(lambda: gzip.compress(b"id\ty\n" + b"a\t1\n" * 4_000_000, 1)),
        "it has 4,000,000 rows",
    ),
    "packed.zip": (
        zip_of(lambda: [("p.csv", bytes(MANY))]),
        "unpacks to more than 16 MiB",
    ),
    "members.zip": (
        zip_of(lambda: [(f"{number}.csv", b"") for number in range(20_000)]),
        "it has 20,000 CSV files (0.csv, 1.csv, 2.csv, 3.csv, 4.csv, ...); one is expected",
    ),
    "lzma.zip": (
        zip_of(lambda: [("p.csv", bytes(MANY))], zipfile.ZIP_LZMA),
        "by deflate",
    ),
    "rows.feather": (
        feather_of(lambda: dict.fromkeys(("id", "y"), pa.nulls(50_000_000, pa.float64()))),
        "reading it takes more than",
    ),
    "batches.feather": (
        feather_of(lambda: {"id": ["r000"], "y": [1.0]}, 5000),
        "it has 5,000 rows",
    ),
    "nothing.feather": (
        feather_of(lambda: {"id": pa.nulls(10**9), "y": pa.nulls(10**9)}),
        "it has 1,000,000,000 rows",
    ),
    "text.feather": (
        feather_of(lambda: {"id": one_text(["r000"]), "y": [1.0, 2.0]}),
        "reading it takes more than",
    ),
    "categories.feather": (
        feather_of(lambda: {"id": ["a", "b"], "y": one_text(["1"]).dictionary_encode()}),
        "reading it takes more than",
    ),
    "fixed.feather": (
        feather_of(lambda: {"id": fixed(), "y": [1.0] * 3}),
        "values of 40,000,000 bytes",
    ),
    "rows.parquet": (
        parquet_of(lambda: dict.fromkeys(("id", "y"), pa.nulls(50_000_000, pa.float64()))),
        "it has 50,000,000 rows",
    ),
    "lost rows.parquet": (lost_rows, "do not add up"),
    "groups.parquet": (groups, "it has 5,000 rows"),
    "columns.parquet": (wide_footer, "its list of columns takes 1 MiB"),
    "fixed.parquet": (
        parquet_of(lambda: {"id": fixed(), "y": [1.0] * 3}),
        "values of 40,000,000 bytes",
    ),
    "fixed y.parquet": (
        parquet_of(lambda: {"id": IDS[:3], "y": fixed()}),
        "values of 40,000,000 bytes",
    ),
    "lie.parquet": (lie("id"), "reading it takes more than"),
    "lie y.parquet": (lie("y", use_dictionary=False), "reading it takes more than"),
    "one text.h5": (one_text_for_all, "memory allocation failed"),
    "chunk.h5": (hdf5_of(large_chunk), "values of too many bytes"),
    "categories.h5ad": (hdf5_of(categories), "reading it takes more than"),
}

CHEAP = {
    *("commas.csv", "columns.csv", "rows.csv", "old ends.csv", "groups.parquet", "fixed.parquet"),
    *("fixed y.parquet", "lie y.parquet", "one text.h5", "categories.h5ad", "packed.csv.gz"),
    *("members.csv.gz", "packed.zip", "text.feather", "nothing.feather"),
}
"""Some of every format that are written in no time."""
