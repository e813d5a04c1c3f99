"""reminders that keep their word.

Absences and deputies, preferences, steps in working days with a wording, moves that need an approval, answers from a
mail, heartbeats of the workers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

DEPUTY_MEANS_DECIDED = ('deputy_means_decided', 'decided_for_id IS NULL OR decided_by_id IS NOT NULL')
LINKS = (
    ('approval', 'decided_for_id', 'account', DEPUTY_MEANS_DECIDED),
    ('progress_update', 'decided_for_id', 'account', DEPUTY_MEANS_DECIDED),
    ('reminder_entry', 'for_id', 'account', None),
    ('account', 'deputy_id', 'account', ('deputy_is_somebody_else', 'deputy_id <> id')),
)
"""Table, column, what it points to, and a rule about it."""

NO = {'server_default': sa.false(), 'nullable': False}
COLUMNS = (
    ('programme', 'stale_days', sa.Integer(), {}),
    ('reminder_step', 'working_days', sa.Boolean(), NO),
    ('reminder_step', 'wording', sa.JSON(none_as_null=True), {}),
    ('milestone', 'funder_relevant', sa.Boolean(), NO),
    ('mail', 'unsubscribe_url', sa.String(), {}),
    ('reminder_run', 'next_at', sa.DateTime(timezone=True), {}),
    ('reminder_entry', 'answer', sa.String(length=10), {}),
)
DEAD = sa.text("state = 'dead'")
INDEXES = (
    ('approval', op.f('ix_approval_milestone_id'), 'milestone_id', {}),
    ('milestone_move', op.f('ix_milestone_move_milestone_id'), 'milestone_id', {}),
    ('mail', 'ix_mail_dead', 'created_at', {'postgresql_where': DEAD, 'sqlite_where': DEAD}),
    ('reminder_run', op.f('ix_reminder_run_day'), 'day', {}),
)
ANSWERED = '(answer IS NULL) = (answered_at IS NULL)'
ANSWERED_ON_SQLITE = f'answered_at DATETIME CONSTRAINT ck_reminder_entry_answered_means_at CHECK ({ANSWERED})'


def upgrade() -> None:
    op.create_table('heartbeat',
    sa.Column('job', sa.String(length=40), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('job', name=op.f('pk_heartbeat'))
    )
    op.create_table('absence',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('deputy_id', sa.Uuid(), nullable=False),
    sa.Column('deputy_only', sa.Boolean(), nullable=False),
    sa.Column('entered_by_id', sa.Uuid(), nullable=True),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('from_on <= until_on', name=op.f('ck_absence_ends_after_it_begins')),
    sa.CheckConstraint('deputy_id <> account_id', name=op.f('ck_absence_deputy_is_somebody_else')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_absence_account_id')),
    sa.ForeignKeyConstraint(['deputy_id'], ['account.id'], name=op.f('fk_absence_deputy_id')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['account.id'], name=op.f('fk_absence_entered_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absence'))
    )
    op.create_index(op.f('ix_absence_until_on'), 'absence', ['until_on'])
    op.create_table('reminder_preference',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('weekdays', sa.JSON(), nullable=False),
    sa.Column('send_time', sa.Time(), nullable=True),
    sa.Column('paused_until_on', sa.Date(), nullable=True),
    sa.Column('wants_optional', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_reminder_preference_account_id')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_reminder_preference'))
    )
    op.create_table('reminder_step_account',
    sa.Column('step_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_reminder_step_account_account_id')),
    sa.ForeignKeyConstraint(['step_id'], ['reminder_step.id'], name=op.f('fk_reminder_step_account_step_id')),
    sa.PrimaryKeyConstraint('step_id', 'account_id', name=op.f('pk_reminder_step_account'))
    )
    op.create_table('obligation_move',
    sa.Column('obligation_id', sa.Uuid(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=True),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('moved_by_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['moved_by_id'], ['account.id'], name=op.f('fk_obligation_move_moved_by_id')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligation.id'], name=op.f('fk_obligation_move_obligation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation_move'))
    )
    op.create_index(op.f('ix_obligation_move_obligation_id'), 'obligation_move', ['obligation_id'])
    op.create_table('move_request',
    sa.Column('milestone_id', sa.Uuid(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('requested_by_id', sa.Uuid(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decision', sa.String(length=10), nullable=True),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_for_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reason', sa.String(), nullable=True),
    sa.Column('override_reason', sa.String(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('(decision IS NULL) = (decided_by_id IS NULL) AND (decision IS NULL) = (decided_at IS NULL)', name=op.f('ck_move_request_decided_means_by_and_at')),
    sa.CheckConstraint("decision <> 'returned' OR length(trim(coalesce(decision_reason, ''))) > 0", name=op.f('ck_move_request_returned_means_reason')),
    sa.CheckConstraint("decision = 'withdrawn' OR decided_by_id <> requested_by_id OR length(trim(coalesce(override_reason, ''))) > 0", name=op.f('ck_move_request_four_eyes')),
    sa.CheckConstraint(DEPUTY_MEANS_DECIDED[1], name=op.f('ck_move_request_deputy_means_decided')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['account.id'], name=op.f('fk_move_request_decided_by_id')),
    sa.ForeignKeyConstraint(['decided_for_id'], ['account.id'], name=op.f('fk_move_request_decided_for_id')),
    sa.ForeignKeyConstraint(['milestone_id'], ['milestone.id'], name=op.f('fk_move_request_milestone_id')),
    sa.ForeignKeyConstraint(['requested_by_id'], ['account.id'], name=op.f('fk_move_request_requested_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_move_request'))
    )
    op.create_index('uq_move_request_one_open', 'move_request', ['milestone_id'], unique=True, postgresql_where=sa.text('decision IS NULL'), sqlite_where=sa.text('decision IS NULL'))
    op.create_index(op.f('ix_move_request_milestone_id'), 'move_request', ['milestone_id'])
    for table, name, column, options in INDEXES:
        op.create_index(name, table, [column], **options)
    for table, column, kind, options in COLUMNS:
        op.add_column(table, sa.Column(column, kind, **options))
    for table, column, target, rule in LINKS:
        _add_link(table, column, target, rule)
    if _is_postgresql():
        op.add_column('reminder_entry', sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True))
        op.create_check_constraint(op.f('ck_reminder_entry_answered_means_at'), 'reminder_entry', ANSWERED)
    else:
        op.execute(f'ALTER TABLE reminder_entry ADD COLUMN {ANSWERED_ON_SQLITE}')


def downgrade() -> None:
    for table, name, _column, _options in INDEXES:
        op.drop_index(name, table)
    if _is_postgresql():
        op.drop_constraint(op.f('ck_reminder_entry_answered_means_at'), 'reminder_entry', type_='check')
        op.drop_column('reminder_entry', 'answered_at')
    else:
        _rebuild('reminder_entry', f', {ANSWERED_ON_SQLITE}')
    for table, column, target, rule in reversed(LINKS):
        _drop_link(table, column, target, rule)
    for table, column, *_ in reversed(COLUMNS):
        op.drop_column(table, column)
    for table in ('move_request', 'obligation_move', 'reminder_step_account', 'reminder_preference', 'absence', 'heartbeat'):
        op.drop_table(table)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == 'postgresql'


Rule = tuple[str, str] | None


def _add_link(table: str, column: str, target: str, rule: Rule) -> None:
    if not _is_postgresql():
        op.execute(f'ALTER TABLE "{table}" ADD COLUMN {_sqlite_link(table, column, target, rule)}')
        return
    op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f(f'fk_{table}_{column}'), table, target, [column], ['id'])
    if rule:
        op.create_check_constraint(op.f(f'ck_{table}_{rule[0]}'), table, rule[1])


def _drop_link(table: str, column: str, target: str, rule: Rule) -> None:
    if not _is_postgresql():
        _rebuild(table, f', {_sqlite_link(table, column, target, rule)}')
        return
    if rule:
        op.drop_constraint(op.f(f'ck_{table}_{rule[0]}'), table, type_='check')
    op.drop_constraint(op.f(f'fk_{table}_{column}'), table, type_='foreignkey')
    op.drop_column(table, column)


def _sqlite_link(table: str, column: str, target: str, rule: Rule) -> str:
    link = f'{column} CHAR(32) CONSTRAINT fk_{table}_{column} REFERENCES {target} (id)'
    return f'{link} CONSTRAINT ck_{table}_{rule[0]} CHECK ({rule[1]})' if rule else link


def _rebuild(table: str, without: str) -> None:
    """SQLite cannot drop a column that a constraint names: the table is made anew from its own words, with all it has.

    The foreign keys of other tables stay: they name the table, and env.py keeps them from being checked meanwhile.
    """
    bind = op.get_bind()
    kept = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL").bindparams(table=table)
    parts = bind.execute(kept).all()
    made = next(sql for kind, sql in parts if kind == 'table')
    changed = made.replace(without, '')
    if changed == made:
        raise ValueError(f'{table}: {without} is not in {made}')
    bind.exec_driver_sql(changed.replace(table, f'{table}_new', 1))
    columns = ', '.join(f'"{row[1]}"' for row in bind.exec_driver_sql(f'PRAGMA table_info("{table}_new")'))
    bind.exec_driver_sql(f'INSERT INTO "{table}_new" ({columns}) SELECT {columns} FROM "{table}"')
    bind.exec_driver_sql(f'DROP TABLE "{table}"')
    bind.exec_driver_sql(f'ALTER TABLE "{table}_new" RENAME TO "{table}"')
    for kind, sql in parts:
        if kind != 'table':
            bind.exec_driver_sql(sql)
