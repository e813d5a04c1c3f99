"""workflows that can be changed.

Drafts of workflows, predecessors of measures, evidence and emergencies of a step. A published version of a workflow
is kept by the database itself.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

LINKS = (
    ('measure', 'edited_by_id', 'account'),
    ('status_change', 'from_workflow_id', 'workflow'),
    ('workflow', 'published_by_id', 'account'),
)
WORDS = (
    ('approval', 'override_reason'),
    ('progress_update', 'override_reason'),
    ('status_change', 'override_reason'),
    ('workflow', 'note'),
)
FOUR_EYES = (
    ('approval', "decision = 'withdrawn' OR decided_by_id <> submitted_by_id"),
    ('progress_update', 'decided_by_id <> author_id'),
)
OVERRIDDEN = " OR length(trim(coalesce(override_reason, ''))) > 0"


def upgrade() -> None:
    op.create_table('workflow_draft',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('definition', sa.JSON(), nullable=False),
    sa.Column('based_on', sa.Integer(), nullable=True),
    sa.Column('edited_by_id', sa.Uuid(), nullable=True),
    sa.Column('edited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['edited_by_id'], ['account.id'], name=op.f('fk_workflow_draft_edited_by_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_workflow_draft_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workflow_draft')),
    sa.UniqueConstraint('programme_id', name=op.f('uq_workflow_draft_programme_id'))
    )
    op.create_table('measure_predecessor',
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.Column('predecessor_id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('measure_id <> predecessor_id', name=op.f('ck_measure_predecessor_not_before_itself')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_measure_predecessor_measure_id')),
    sa.ForeignKeyConstraint(['predecessor_id'], ['measure.id'], name=op.f('fk_measure_predecessor_predecessor_id')),
    sa.PrimaryKeyConstraint('measure_id', 'predecessor_id', name=op.f('pk_measure_predecessor'))
    )
    op.create_table('status_change_evidence',
    sa.Column('status_change_id', sa.Uuid(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_status_change_evidence_document_id')),
    sa.ForeignKeyConstraint(['status_change_id'], ['status_change.id'], name=op.f('fk_status_change_evidence_status_change_id')),
    sa.PrimaryKeyConstraint('status_change_id', 'document_id', name=op.f('pk_status_change_evidence'))
    )
    op.add_column('programme', sa.Column('emergency_override', sa.Boolean(), server_default=sa.false(), nullable=False))
    for table, column in WORDS:
        op.add_column(table, sa.Column(column, sa.String(), nullable=True))
    for table, column, target in LINKS:
        _add_link(table, column, target)
    for table, rule in FOUR_EYES:
        _change_check(table, 'four_eyes', rule, rule + OVERRIDDEN)
    _keep_published_workflows()


def downgrade() -> None:
    _release_published_workflows()
    for table, rule in FOUR_EYES:
        _change_check(table, 'four_eyes', rule + OVERRIDDEN, rule)
    for table, column, target in reversed(LINKS):
        _drop_link(table, column, target)
    for table, column in reversed(WORDS):
        op.drop_column(table, column)
    op.drop_column('programme', 'emergency_override')
    op.drop_table('status_change_evidence')
    op.drop_table('measure_predecessor')
    op.drop_table('workflow_draft')


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == 'postgresql'


def _add_link(table: str, column: str, target: str) -> None:
    if _is_postgresql():
        op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f'fk_{table}_{column}'), table, target, [column], ['id'])
    else:
        op.execute(f'ALTER TABLE "{table}" ADD COLUMN {_sqlite_link(table, column, target)}')


def _drop_link(table: str, column: str, target: str) -> None:
    if _is_postgresql():
        op.drop_constraint(op.f(f'fk_{table}_{column}'), table, type_='foreignkey')
        op.drop_column(table, column)
    else:
        _rebuild(table, lambda made: made.replace(f', {_sqlite_link(table, column, target)}', ''))


def _sqlite_link(table: str, column: str, target: str) -> str:
    return f'{column} CHAR(32) CONSTRAINT fk_{table}_{column} REFERENCES {target} (id)'


def _change_check(table: str, name: str, before: str, after: str) -> None:
    if _is_postgresql():
        op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, after)
    else:
        _rebuild(table, lambda made: made.replace(f'CHECK ({before})', f'CHECK ({after})'))


def _rebuild(table: str, change: Callable[[str], str]) -> None:
    """SQLite cannot change a constraint in place: the table is made anew from its own words, with all it has.

    The foreign keys of other tables stay: they name the table, and env.py keeps them from being checked meanwhile.
    """
    bind = op.get_bind()
    kept = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL").bindparams(table=table)
    parts = bind.execute(kept).all()
    made = next(sql for kind, sql in parts if kind == 'table')
    changed = change(made)
    if changed == made:
        raise ValueError(f'{table}: nothing to change in {made}')
    bind.exec_driver_sql(changed.replace(table, f'{table}_new', 1))
    columns = ', '.join(f'"{row[1]}"' for row in bind.exec_driver_sql(f'PRAGMA table_info("{table}_new")'))
    bind.exec_driver_sql(f'INSERT INTO "{table}_new" ({columns}) SELECT {columns} FROM "{table}"')
    bind.exec_driver_sql(f'DROP TABLE "{table}"')
    bind.exec_driver_sql(f'ALTER TABLE "{table}_new" RENAME TO "{table}"')
    for kind, sql in parts:
        if kind != 'table':
            bind.exec_driver_sql(sql)


def _keep_published_workflows() -> None:
    """A published version of a workflow never changes: the database itself refuses to change or delete it."""
    if _is_postgresql():
        op.execute(
            "CREATE FUNCTION workflow_is_published() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a published workflow never changes'; END $$"
        )
        op.execute(
            "CREATE TRIGGER workflow_published BEFORE UPDATE OR DELETE OR TRUNCATE ON workflow "
            "FOR EACH STATEMENT EXECUTE FUNCTION workflow_is_published()"
        )
    else:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER workflow_no_{action.lower()} BEFORE {action} ON workflow "
                "BEGIN SELECT RAISE(ABORT, 'a published workflow never changes'); END"
            )


def _release_published_workflows() -> None:
    if _is_postgresql():
        op.execute("DROP TRIGGER workflow_published ON workflow")
        op.execute("DROP FUNCTION workflow_is_published()")
    else:
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER workflow_no_{action}")
